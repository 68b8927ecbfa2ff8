// TensorFiles: which file of a model directory holds which tensor, and how the files are mapped.
//
// A Hugging Face directory says it in the headers of its files, so all are mapped at once; a
// Windrose checkpoint says it in its manifest, so a file is mapped when somebody wants it, and then
// its header is held against the manifest. Private to common/model. Immutable: thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/model/manifest.h"
#include "common/model/mapped_file.h"
#include "common/model/model_hash.h"
#include "common/model/safetensors.h"
#include "common/tensor/dtype.h"

namespace windrose {

// What is known of a tensor before its file is read.
struct TensorPlace {
  std::string file;
  DType format = DType::kF32;
  std::vector<uint64_t> shape;  // logical
  std::optional<Hash128> hash;
};

struct TensorFile {
  std::shared_ptr<const MappedFile> mapping;
  TensorEntries entries;
};

// As ParseSafetensorsHeader; DATA_LOSS when the file became shorter or its header is unreadable.
StatusOr<TensorEntries> ReadEntries(const MappedFile& file);

class TensorFiles {
 public:
  // model.safetensors, or the files that model.safetensors.index.json names. NOT_FOUND when there
  // is neither.
  static StatusOr<std::shared_ptr<const TensorFiles>> OpenHuggingFace(const std::string& directory);
  static std::shared_ptr<const TensorFiles> OfManifest(const std::string& directory,
                                                       const Manifest& manifest);

  const std::map<std::string, TensorPlace, std::less<>>& places() const { return places_; }
  bool has_manifest() const { return !described_.empty(); }

  // The file `name`, which is one of places().
  StatusOr<std::shared_ptr<const TensorFile>> Open(const std::string& name) const;

 private:
  using Index = std::map<std::string, std::string>;  // which file should hold which tensor

  explicit TensorFiles(std::string directory) : directory_(std::move(directory)) {}
  static StatusOr<Index> ReadIndex(const std::string& directory);
  Status AddFile(const std::string& name, const Index& index);
  Status CheckIndex(const Index& index) const;

  std::string directory_;
  std::map<std::string, TensorPlace, std::less<>> places_;
  std::map<std::string, std::shared_ptr<const TensorFile>> mapped_;  // Hugging Face
  std::map<std::string, ManifestFile> described_;                    // Windrose
};

// "[14336, 4096]".
std::string ShapeText(const std::vector<uint64_t>& shape);

}  // namespace windrose
