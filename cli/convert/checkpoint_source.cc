#include "cli/convert/checkpoint_source.h"

#include <atomic>
#include <filesystem>
#include <set>
#include <span>
#include <system_error>

#include "cli/convert/source_identity.h"
#include "common/base/check.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/manifest.h"
#include "common/model/mapped_file.h"
#include "common/tensor/convert.h"

namespace windrose::cli {
namespace {

// Where rows first … first + rows - 1 stand; `rows` is not 0.
std::span<const std::byte> BytesOf(const WeightView& view, size_t first, size_t rows) {
  if (!IsPacked(view.dtype)) return {view.row(first), rows * view.row_bytes()};
  const size_t panel_bytes = PackedPanelBytes(view.dtype, view.cols);
  const size_t panel = first / kPanelOutputs;
  const size_t end_panel = PanelCount(first + rows);
  return {view.data + panel * panel_bytes, (end_panel - panel) * panel_bytes};
}

}  // namespace

StatusOr<std::unique_ptr<CheckpointSource>> CheckpointSource::Open(const std::string& directory) {
  ASSIGN_OR_RETURN(Checkpoint checkpoint, Checkpoint::Open(directory));
  if (IsQuantized(checkpoint.format())) {
    return InvalidArgument("the source is packed in " + FormatName(checkpoint.format()) +
                           " already; convert from the weights it was made of, so that they are "
                           "rounded once");
  }
  ASSIGN_OR_RETURN(AllWeights weights, checkpoint.All());
  // Not make_unique: the constructor is private.
  return std::unique_ptr<CheckpointSource>(
      new CheckpointSource(directory, std::move(checkpoint), std::move(weights)));
}

const WeightView& CheckpointSource::View(const std::string& tensor) const {
  const auto view = weights_.views.find(tensor);
  CHECK(view != weights_.views.end());
  return view->second;
}

DType CheckpointSource::FormatOf(const std::string& tensor) const {
  const DType format = View(tensor).dtype;
  return format == DType::kPackedBf16 ? DType::kBf16 : format;
}

Status CheckpointSource::ReadRows(const std::string& tensor, size_t first, const Rows& out) const {
  const WeightView& view = View(tensor);
  CHECK(first + out.rows <= view.rows && out.cols == view.cols);
  RETURN_IF_ERROR(Annotate(MakeMappedResident(BytesOf(view, first, out.rows)),
                           FileOf(tensor) + ": tensor " + tensor));
  for (size_t row = 0; row < out.rows; ++row) ReadWeightRow(view, first + row, out.row(row));
  return OkStatus();
}

void CheckpointSource::WillRead(const std::string& tensor) const {
  const WeightView& view = View(tensor);
  PrefetchMapped({view.data, view.bytes()});
}

void CheckpointSource::WasRead(const std::string& tensor) const {
  const WeightView& view = View(tensor);
  ReleaseMapped({view.data, view.bytes()});
}

Status CheckpointSource::Verify() const {
  if (!weights_.storage->has_hashes()) return OkStatus();
  const std::atomic<bool> stop{false};
  std::atomic<uint64_t> bytes_read{0};
  return weights_.storage->Read(WeightStorage::Compare::kHashes, stop, bytes_read);
}

// Of the files that are read: another beside them may come, go and have any name.
StatusOr<std::vector<std::string>> CheckpointSource::Identity() const {
  std::set<std::string> names = {kConfigFile};
  for (const auto& [tensor, view] : weights_.views) names.insert(FileOf(tensor));
  std::error_code error;
  if (std::filesystem::exists(directory_ + "/" + kTokenizerFile, error)) {
    names.insert(kTokenizerFile);
  }
  return FilesIdentity(directory_, names);
}

}  // namespace windrose::cli
