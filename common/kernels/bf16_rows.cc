#include "common/kernels/bf16_rows.h"

#include <algorithm>

#include "common/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/bf16_rows.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/bf16_round-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// values: [2 * PairCount(cols)].
void RoundRow(const float* x, size_t cols, uint16_t* values) {
  size_t i = 0;
  for (; i + kLanes <= cols; i += kLanes) RoundToBf16<kLanes>(x + i, values + i);
  std::fill(values + i, values + 2 * PairCount(cols), uint16_t{0});
  if (i == cols) return;
  HWY_ALIGN float padded[kLanes] = {};
  std::memcpy(padded, x + i, (cols - i) * sizeof(float));
  RoundToBf16<kLanes>(padded, values + i);
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(RoundRow);

constexpr size_t kGrainRows = 8;  // worth another thread

}  // namespace

Bf16Rows::Bf16Rows(size_t max_rows, size_t max_cols)
    : max_rows_(max_rows),
      max_cols_(max_cols),
      values_((max_rows + kTileRows - 1) * Stride(max_cols)) {}

void Bf16Rows::Round(const ConstRows& x, Bf16Order order, ThreadPool& pool) {
  CHECK(x.rows <= max_rows_ && x.cols <= max_cols_);
  rows_ = x.rows;
  cols_ = x.cols;
  order_ = order;
  pool.ParallelFor(rows_, kGrainRows, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      HWY_DYNAMIC_DISPATCH(RoundRow)
      (x.data + row * cols_, cols_, values_.data() + row * stride());
    }
  });
}

}  // namespace windrose
#endif  // HWY_ONCE
