// A small Windrose checkpoint on disk, written without the converter: its bytes are a pattern.
//
// For tests of what reads checkpoints. Thread-compatible.
#pragma once

#include <string>

#include "common/model/checkpoint_layout.h"
#include "common/model/config.h"
#include "common/model/manifest.h"
#include "tests/support/temporary_directory.h"

namespace windrose {

class WrittenCheckpoint {
 public:
  // Of TinyMixtralConfig in bf16, with matrices in `dtype`.
  explicit WrittenCheckpoint(DType dtype = DType::kQ4);

  const std::string& directory() const { return directory_.path(); }
  std::string path(const std::string& name) const { return directory_.file(name); }
  const MixtralConfig& config() const { return config_; }

  // What windrose.json says. WriteManifest takes a change of it over.
  Manifest& manifest() { return manifest_; }
  ManifestFile& file(const std::string& name);
  ManifestTensor& tensor(const std::string& name);
  void WriteManifest() const;

 private:
  ManifestFile WriteFile(const StoredFile& file) const;

  TemporaryDirectory directory_;
  MixtralConfig config_;
  Manifest manifest_;
};

void WriteText(const std::string& path, const std::string& text);
std::string ReadText(const std::string& path);

}  // namespace windrose
