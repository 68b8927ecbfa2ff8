#include "common/model/tensor_files.h"

#include <algorithm>
#include <set>

#include "common/model/checkpoint_layout.h"
#include "common/model/shard_index.h"
#include "common/tensor/packed_layout.h"

namespace windrose {
namespace {

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";
constexpr size_t kMaxIndexBytes = 16 << 20;
constexpr size_t kMaxShards = 4096;

StatusOr<TensorFile> MapFile(const std::string& directory, const std::string& name) {
  TensorFile file;
  ASSIGN_OR_RETURN(file.mapping, MappedFile::Open(directory, name));
  StatusOr<TensorEntries> entries = ReadEntries(*file.mapping);
  if (!entries.ok()) return Annotate(entries.status(), name);
  file.entries = *std::move(entries);
  return file;
}

// What the header says of `tensor`, which the manifest describes as it does.
Status CheckEntry(const ManifestTensor& tensor, const TensorEntry& entry) {
  const bool packed = IsPacked(tensor.format);
  const std::string dtype = packed ? "U8" : std::string(NameOf(tensor.format));
  const std::vector<uint64_t> shape =
      packed ? std::vector{StoredBytes(tensor.shape, tensor.format)} : tensor.shape;
  if (entry.dtype != dtype || entry.shape != shape) {
    return InvalidArgument("the manifest wants " + dtype + " " + ShapeText(shape) +
                           ", the file has " + entry.dtype + " " + ShapeText(entry.shape));
  }
  if (!packed || entry.begin % kPackedAlignment == 0) return OkStatus();
  return InvalidArgument("a packed tensor begins at a multiple of " +
                         std::to_string(kPackedAlignment) + " bytes, this one at " +
                         std::to_string(entry.begin));
}

Status CheckAgainst(const ManifestFile& described, const TensorFile& file) {
  if (file.mapping->bytes().size() != described.bytes) {
    return InvalidArgument("the manifest wants " + std::to_string(described.bytes) +
                           " bytes, the file has " + std::to_string(file.mapping->bytes().size()));
  }
  if (file.entries.size() != described.tensors.size()) {
    return InvalidArgument("the manifest wants " + std::to_string(described.tensors.size()) +
                           " tensors, the file has " + std::to_string(file.entries.size()));
  }
  for (const ManifestTensor& tensor : described.tensors) {
    const auto entry = file.entries.find(tensor.name);
    if (entry == file.entries.end()) {
      return InvalidArgument("lacks tensor " + tensor.name + ", which the manifest says it has");
    }
    RETURN_IF_ERROR(Annotate(CheckEntry(tensor, entry->second), "tensor " + tensor.name));
  }
  return OkStatus();
}

}  // namespace

// What cannot be read is asked for before it is touched: touching it would be a signal.
StatusOr<TensorEntries> ReadEntries(const MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  RETURN_IF_ERROR(MakeMappedResident(bytes.first(std::min(bytes.size(), sizeof(uint64_t)))));
  const uint64_t end = SafetensorsHeaderEnd(bytes, bytes.size());
  RETURN_IF_ERROR(MakeMappedResident(bytes.first(end)));
  return ParseSafetensorsHeader(bytes, bytes.size());
}

std::string ShapeText(const std::vector<uint64_t>& shape) {
  std::string text = "[";
  for (const uint64_t dimension : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(dimension);
  }
  return text + "]";
}

StatusOr<TensorFiles::Index> TensorFiles::ReadIndex(const std::string& directory) {
  const StatusOr<std::string> text = ReadModelText(directory, kIndexFile, kMaxIndexBytes);
  if (text.status().code() == StatusCode::kNotFound) {
    return NotFound(
        "none of windrose.json, model.safetensors and model.safetensors.index.json in " +
        directory + "; other weight formats (.bin, .pt, .gguf) are not served");
  }
  if (!text.ok()) return text.status();
  StatusOr<Index> index = ParseShardIndex(*text);
  if (!index.ok()) return Annotate(index.status(), kIndexFile);
  return index;
}

StatusOr<std::shared_ptr<const TensorFiles>> TensorFiles::OpenHuggingFace(
    const std::string& directory) {
  // Not make_shared: the constructor is private.
  const std::shared_ptr<TensorFiles> files(new TensorFiles(directory));
  const Status single = files->AddFile(kSingleFile, {});
  if (single.ok()) return files;
  if (single.code() != StatusCode::kNotFound) return single;
  ASSIGN_OR_RETURN(const Index index, ReadIndex(directory));
  std::set<std::string> shards;
  for (const auto& [tensor, file] : index) shards.insert(file);
  if (shards.size() > kMaxShards) return InvalidArgument("the index names too many files");
  for (const std::string& shard : shards) RETURN_IF_ERROR(files->AddFile(shard, index));
  RETURN_IF_ERROR(files->CheckIndex(index));
  return files;
}

Status TensorFiles::AddFile(const std::string& name, const Index& index) {
  ASSIGN_OR_RETURN(TensorFile file, MapFile(directory_, name));
  for (const auto& [tensor, entry] : file.entries) {
    const std::string where = name + ": tensor " + tensor;
    const auto wanted = index.find(tensor);
    if (!index.empty() && (wanted == index.end() || wanted->second != name)) {
      return InvalidArgument(where + " is not where the index says");
    }
    const std::optional<DType> format = DTypeNamed(entry.dtype);
    if (!format) {
      return InvalidArgument(where + ": wanted dtype F32, F16 or BF16, the file has " +
                             entry.dtype);
    }
    places_[tensor] = {name, *format, entry.shape, std::nullopt};
  }
  mapped_[name] = std::make_shared<const TensorFile>(std::move(file));
  return OkStatus();
}

Status TensorFiles::CheckIndex(const Index& index) const {
  for (const auto& [tensor, file] : index) {
    if (!places_.contains(tensor)) {
      return InvalidArgument(file + ": lacks tensor " + tensor + ", which the index says it has");
    }
  }
  return OkStatus();
}

std::shared_ptr<const TensorFiles> TensorFiles::OfManifest(const std::string& directory,
                                                           const Manifest& manifest) {
  const std::shared_ptr<TensorFiles> files(new TensorFiles(directory));
  for (const ManifestFile& file : manifest.files) {
    for (const ManifestTensor& tensor : file.tensors) {
      files->places_[tensor.name] = {file.name, tensor.format, tensor.shape, tensor.hash};
    }
    files->described_[file.name] = file;
  }
  return files;
}

StatusOr<std::shared_ptr<const TensorFile>> TensorFiles::Open(const std::string& name) const {
  const auto mapped = mapped_.find(name);
  if (mapped != mapped_.end()) return mapped->second;
  ASSIGN_OR_RETURN(TensorFile file, MapFile(directory_, name));
  RETURN_IF_ERROR(Annotate(CheckAgainst(described_.at(name), file), name));
  return std::make_shared<const TensorFile>(std::move(file));
}

}  // namespace windrose
