// WeightStorage: the mapped files behind the views of some weights, and what their bytes should be.
//
// Whoever holds views holds the storage too. Immutable: thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
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

  explicit WeightStorage(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}

  // Tells the kernel that all of it will be read soon. Never fails; it is advice.
  void Prefetch() const;

  // Whether there is anything to compare with.
  bool has_hashes() const;

  // Reads every tensor that has a hash and compares. DATA_LOSS names the file and the tensor whose
  // bytes are not those that the checkpoint was written with; CANCELLED soon after `stop` is true.
  Status VerifyHashes(const std::atomic<bool>& stop) const;

 private:
  std::vector<Tensor> tensors_;
};

}  // namespace windrose
