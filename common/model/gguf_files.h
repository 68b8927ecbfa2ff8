// GgufFiles: one GGUF file, or all files of a split, mapped and their tensors by name.
//
//   name.gguf | name-00001-of-00003.gguf, name-00002-of-00003.gguf, …
//
// A split is what gguf-split writes: every file says split.no (from 0) and split.count; the first
// has all other keys, and says in split.tensors.count how many tensors the files have together.
// Immutable after Open: thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/model/gguf.h"
#include "common/model/gguf_metadata.h"
#include "common/model/mapped_file.h"

namespace windrose {

constexpr uint32_t kMaxGgufFiles = 4096;

class GgufFiles {
 public:
  struct Tensor {
    const MappedFile* file = nullptr;
    GgufTensor info;
    std::span<const std::byte> bytes() const {
      return file->bytes().subspan(info.begin, info.bytes());
    }
  };
  using Tensors = std::map<std::string, Tensor, std::less<>>;

  // `path` is the file, or the first of a split; the others are beside it. INVALID_ARGUMENT or
  // NOT_FOUND name the file.
  static StatusOr<std::shared_ptr<const GgufFiles>> Open(const std::string& path);

  // Of the first file. Borrows this.
  GgufMetadata metadata() const { return {values_, files_.front()->bytes()}; }
  const Tensors& tensors() const { return tensors_; }
  const std::vector<std::shared_ptr<const MappedFile>>& files() const { return files_; }

 private:
  GgufFiles() = default;
  StatusOr<GgufValues> Add(const std::string& directory, const std::string& name);
  Status AddOthers(const std::string& directory, const std::string& first, uint32_t count);
  Status CheckTensorCount() const;

  std::vector<std::shared_ptr<const MappedFile>> files_;
  GgufValues values_;  // of the first file
  Tensors tensors_;
};

}  // namespace windrose
