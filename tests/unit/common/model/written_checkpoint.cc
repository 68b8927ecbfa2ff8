#include "tests/unit/common/model/written_checkpoint.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "common/base/check.h"
#include "common/model/safetensors_writer.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose {
namespace {

// Different for tensors of different names.
std::vector<std::byte> PatternOf(const StoredTensor& tensor) {
  std::vector<std::byte> bytes(StoredBytes(tensor.spec.shape, tensor.format));
  size_t value = std::hash<std::string>()(tensor.spec.name);
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(value >> 8);
    value = value * 13 + 7;
  }
  return bytes;
}

}  // namespace

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

WrittenCheckpoint::WrittenCheckpoint(DType dtype) : config_(TinyMixtralConfig()) {
  config_.dtype = DType::kBf16;
  manifest_.dtype = dtype;
  manifest_.source = {"a pattern"};
  manifest_.config_hash = HashOf(ToConfigJson(config_));
  manifest_.tokenizer_hash = HashOf("pieces");
  WriteText(path(kConfigFile), ToConfigJson(config_));
  WriteText(path(kTokenizerFile), "pieces");
  const auto source_format = [](const TensorSpec& /*tensor*/) { return DType::kBf16; };
  for (const StoredFile& file : StoredFiles(config_, dtype, source_format)) {
    manifest_.files.push_back(WriteFile(file));
  }
  WriteManifest();
}

ManifestFile WrittenCheckpoint::WriteFile(const StoredFile& file) const {
  std::vector<TensorToWrite> header;
  for (const StoredTensor& tensor : file.tensors) {
    header.push_back({tensor.spec.name, tensor.format, tensor.spec.shape});
  }
  auto writer = SafetensorsWriter::Create(path(file.name), header);
  CHECK(writer.ok());
  ManifestFile written{file.name, 0, {}};
  for (const StoredTensor& tensor : file.tensors) {
    const std::vector<std::byte> bytes = PatternOf(tensor);
    CHECK(writer->Append(bytes).ok());
    written.tensors.push_back(
        {tensor.spec.name, tensor.format, tensor.spec.shape, HashOf(std::span(bytes))});
  }
  CHECK(writer->Finish().ok());
  written.bytes = std::filesystem::file_size(path(file.name));
  return written;
}

ManifestFile& WrittenCheckpoint::file(const std::string& name) {
  return *std::find_if(manifest_.files.begin(), manifest_.files.end(),
                       [&name](const ManifestFile& candidate) { return candidate.name == name; });
}

ManifestTensor& WrittenCheckpoint::tensor(const std::string& name) {
  for (ManifestFile& candidate : manifest_.files) {
    for (ManifestTensor& tensor : candidate.tensors) {
      if (tensor.name == name) return tensor;
    }
  }
  CHECK(false);
  return manifest_.files.front().tensors.front();
}

void WrittenCheckpoint::WriteManifest() const {
  WriteText(path(kManifestFile), ToManifestJson(manifest_));
}

}  // namespace windrose
