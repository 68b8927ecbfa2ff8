#include "cli/convert/gguf_weight_source.h"

#include <filesystem>
#include <string_view>

#include "cli/convert/source_identity.h"

namespace windrose::cli {

StatusOr<std::unique_ptr<GgufWeightSource>> GgufWeightSource::Open(const std::string& path) {
  ASSIGN_OR_RETURN(GgufSource source, GgufSource::Open(path));
  const std::string folder = std::filesystem::path(path).parent_path().string();
  // Not make_unique: the constructor is private.
  return std::unique_ptr<GgufWeightSource>(
      new GgufWeightSource(folder.empty() ? "." : folder, std::move(source)));
}

DType GgufWeightSource::FormatOf(const std::string& tensor) const {
  const StatusOr<std::string_view> name = source_.FormatName(tensor);
  return name.ok() ? DTypeNamed(*name).value_or(DType::kBf16) : DType::kBf16;
}

Status GgufWeightSource::ReadRows(const std::string& tensor, size_t first, const Rows& out) const {
  for (size_t row = 0; row < out.rows; ++row) {
    RETURN_IF_ERROR(source_.ReadRow(tensor, first + row, out.row(row)));
  }
  return OkStatus();
}

StatusOr<std::vector<std::string>> GgufWeightSource::Identity() const {
  std::vector<std::string> identity;
  for (const std::string& name : source_.FileNames()) {
    ASSIGN_OR_RETURN(identity.emplace_back(), FileIdentity(folder_ + "/" + name));
  }
  return identity;
}

}  // namespace windrose::cli
