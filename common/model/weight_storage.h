// WeightStorage: the mapped files behind the views of some weights, and what their bytes should be.
//
// Whoever holds views holds the storage too. Immutable: thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/model/mapped_file.h"
#include "common/model/model_hash.h"

namespace windrose {

class WeightStorage {
 public:
  struct Tensor {
    std::string name;
    std::shared_ptr<const MappedFile> file;
    std::span<const std::byte> bytes;
    std::optional<Hash128> hash;  // none in a Hugging Face directory
  };

  enum class Compare { kNothing, kHashes };

  // `tensors` in the order in which computing wants them.
  explicit WeightStorage(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}

  // Whether there is anything to compare with.
  bool has_hashes() const;

  // How much of the files lies in large pages (large_pages.h).
  uint64_t large_page_bytes() const;

  // Reads every tensor into memory, in their order, and compares those that have a hash if it is
  // told to; `bytes_read` rises meanwhile. DATA_LOSS names the file, and the tensor with both
  // hashes when its bytes are not those that the checkpoint was written with; CANCELLED soon after
  // `stop` is true.
  Status Read(Compare compare, const std::atomic<bool>& stop,
              std::atomic<uint64_t>& bytes_read) const;

 private:
  std::vector<Tensor> tensors_;
};

}  // namespace windrose
