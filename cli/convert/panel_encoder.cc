#include "cli/convert/panel_encoder.h"

#include <algorithm>
#include <cmath>

#include "common/base/check.h"
#include "common/kernels/pack.h"
#include "common/tensor/convert.h"
#include "common/tensor/packed_layout.h"

namespace windrose::cli {
namespace {

// So that neither the difference of two weights nor one that is rounded up becomes infinite.
constexpr float kLargestWeight = 0x1p126F;

}  // namespace

PanelEncoder::PanelEncoder(const WeightSource& source, const StoredTensor& tensor)
    : source_(source),
      tensor_(tensor),
      rows_(tensor.spec.shape.size() == 2 ? tensor.spec.shape[0] : 1),
      cols_(tensor.spec.shape.back()) {}

size_t PanelEncoder::panel_count() const { return PanelCount(rows_); }

size_t PanelEncoder::scratch_size() const { return std::min(kPanelOutputs, rows_) * cols_; }

size_t PanelEncoder::Offset(size_t panel) const {
  if (IsPacked(tensor_.format)) return panel * PackedPanelBytes(tensor_.format, cols_);
  return std::min(panel * kPanelOutputs, rows_) * cols_ * SizeOf(tensor_.format);
}

size_t PanelEncoder::RowsOf(size_t panel) const {
  return std::min(kPanelOutputs, rows_ - panel * kPanelOutputs);
}

Status PanelEncoder::Encode(size_t panel, std::span<float> scratch,
                            std::span<std::byte> out) const {
  CHECK(scratch.size() == scratch_size() && out.size() == Offset(panel + 1) - Offset(panel));
  const size_t first = panel * kPanelOutputs;
  const Rows rows(scratch.data(), RowsOf(panel), cols_);
  RETURN_IF_ERROR(source_.ReadRows(tensor_.spec.name, first, rows));
  RETURN_IF_ERROR(CheckFinite(first, rows));
  RETURN_IF_ERROR(CheckNotEmpty(first, rows));
  if (IsPacked(tensor_.format)) {
    PackPanel(tensor_.format, rows, out);
  } else {
    WriteWeights(rows.all(), tensor_.format, out.data());
  }
  return OkStatus();
}

Status PanelEncoder::CheckFinite(size_t first, const ConstRows& rows) const {
  for (size_t row = 0; row < rows.rows; ++row) {
    const std::span<const float> values = rows.row(row);
    // Not a number compares false, too.
    const auto bad = std::find_if_not(values.begin(), values.end(), [](float value) {
      return std::fabs(value) <= kLargestWeight;
    });
    if (bad == values.end()) continue;
    return Refusal("row " + std::to_string(first + row) + ", column " +
                   std::to_string(bad - values.begin()) +
                   ": wanted a finite weight of at most 2^126, got " + std::to_string(*bad));
  }
  return OkStatus();
}

// What was never written to a file that was made in its full length reads as zeros. Only tokens
// that fill a vocabulary up have zeros for rows: in the embedding and the head.
Status PanelEncoder::CheckNotEmpty(size_t first, const ConstRows& rows) const {
  const std::string& name = tensor_.spec.name;
  if (name == kEmbeddingTensor || name == kHeadTensor) return OkStatus();
  const std::span<const float> values(rows.data, rows.rows * rows.cols);
  if (std::any_of(values.begin(), values.end(), [](float value) { return value != 0; })) {
    return OkStatus();
  }
  return Refusal("rows " + std::to_string(first) + " to " + std::to_string(first + rows.rows - 1) +
                 ": wanted weights, got zeros only; is the file complete?");
}

Status PanelEncoder::Refusal(const std::string& why) const {
  const std::string& name = tensor_.spec.name;
  return InvalidArgument(source_.FileOf(name) + ": tensor " + name + ": " + why);
}

}  // namespace windrose::cli
