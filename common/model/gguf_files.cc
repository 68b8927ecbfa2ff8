#include "common/model/gguf_files.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include "common/model/strict_json.h"

namespace windrose {
namespace {

constexpr std::string_view kNumberKey = "split.no";
constexpr std::string_view kCountKey = "split.count";
constexpr std::string_view kTensorsKey = "split.tensors.count";

std::string FiveDigits(uint32_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

// "-00001-of-00003.gguf" for (1, 3).
std::string SplitEnding(uint32_t number, uint32_t count) {
  std::string ending = "-";
  return ending.append(FiveDigits(number)).append("-of-").append(FiveDigits(count)).append(".gguf");
}

struct Split {
  uint32_t number = 0;
  uint32_t count = 1;
};

// A file that says nothing of a split is one on its own.
StatusOr<Split> SplitOf(const GgufMetadata& metadata) {
  Split split;
  if (metadata.Has(kNumberKey)) {
    ASSIGN_OR_RETURN(split.number, metadata.Count(kNumberKey));
  }
  if (metadata.Has(kCountKey)) {
    ASSIGN_OR_RETURN(split.count, metadata.Count(kCountKey));
  }
  if (split.count == 0) split.count = 1;
  if (split.count <= kMaxGgufFiles && split.number < split.count) return split;
  return InvalidArgument("split: wanted at most " + std::to_string(kMaxGgufFiles) +
                         " files and a number below that, the file says number " +
                         std::to_string(split.number) + " of " + std::to_string(split.count));
}

Status CheckNumber(const Split& split, uint32_t number, uint32_t count) {
  if (split.number == number && split.count == count) return OkStatus();
  return InvalidArgument("split: wanted number " + std::to_string(number) + " of " +
                         std::to_string(count) + ", counted from 0; the file says " +
                         std::to_string(split.number) + " of " + std::to_string(split.count));
}

}  // namespace

StatusOr<std::shared_ptr<const GgufFiles>> GgufFiles::Open(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string directory = file.has_parent_path() ? file.parent_path().string() : ".";
  const std::string name = file.filename().string();
  std::shared_ptr<GgufFiles> files(new GgufFiles);
  ASSIGN_OR_RETURN(files->values_, files->Add(directory, name));
  const StatusOr<Split> split = SplitOf(files->metadata());
  if (!split.ok()) return Annotate(split.status(), name);
  RETURN_IF_ERROR(Annotate(CheckNumber(*split, 0, split->count), name));
  if (split->count > 1) RETURN_IF_ERROR(files->AddOthers(directory, name, split->count));
  return std::shared_ptr<const GgufFiles>(std::move(files));
}

StatusOr<GgufValues> GgufFiles::Add(const std::string& directory, const std::string& name) {
  ASSIGN_OR_RETURN(const auto file, MappedFile::Open(directory, name));
  StatusOr<GgufHeader> header = ParseGgufHeader(file->bytes(), file->bytes().size());
  if (!header.ok()) return Annotate(header.status(), name);
  files_.push_back(file);
  for (auto& [tensor, info] : header->tensors) {
    if (!tensors_.emplace(tensor, Tensor{file.get(), std::move(info)}).second) {
      return InvalidArgument(name + ": tensor " + Quoted(tensor) +
                             " is in another file of the split too");
    }
  }
  if (tensors_.size() > kMaxGgufTensors) {
    return InvalidArgument(name + ": wanted at most " + std::to_string(kMaxGgufTensors) +
                           " tensors in all files, this has more");
  }
  return std::move(header->values);
}

Status GgufFiles::AddOthers(const std::string& directory, const std::string& first,
                            uint32_t count) {
  const std::string ending = SplitEnding(1, count);
  if (!first.ends_with(ending)) {
    return InvalidArgument(first + ": is the first of " + std::to_string(count) +
                           " files, so wanted a name that ends with " + ending);
  }
  const std::string stem = first.substr(0, first.size() - ending.size());
  for (uint32_t number = 1; number < count; ++number) {
    const std::string name = stem + SplitEnding(number + 1, count);
    ASSIGN_OR_RETURN(const GgufValues values, Add(directory, name));
    const StatusOr<Split> split = SplitOf(GgufMetadata(values, files_.back()->bytes()));
    if (!split.ok()) return Annotate(split.status(), name);
    RETURN_IF_ERROR(Annotate(CheckNumber(*split, number, count), name));
  }
  return Annotate(CheckTensorCount(), first);
}

Status GgufFiles::CheckTensorCount() const {
  ASSIGN_OR_RETURN(const uint32_t wanted, metadata().Count(kTensorsKey));
  if (wanted == tensors_.size()) return OkStatus();
  return InvalidArgument(std::string(kTensorsKey) + ": wanted " + std::to_string(wanted) +
                         " tensors, the files have " + std::to_string(tensors_.size()));
}

}  // namespace windrose
