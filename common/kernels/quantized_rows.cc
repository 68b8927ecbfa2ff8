#include "common/kernels/quantized_rows.h"

#include <algorithm>

#include "common/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/quantized_rows.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<FloatTag>;
using ByteTag = hn::Rebind<int8_t, FloatTag>;

// Blocks with no larger magnitude count as zeros: their reciprocal would overflow.
constexpr float kSmallest = 0x1p-100F;
constexpr float kHighest = 127.0F;

// The largest magnitude; NaN, whose bits are above infinity's, wins over all.
HWY_INLINE float LargestMagnitude(const float* x) {
  const FloatTag d;
  const IntTag di;
  auto largest = hn::Zero(di);
  for (size_t i = 0; i < kBlockInputs; i += kVectorFloats) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, x + i))));
  }
  return hn::GetLane(hn::BitCast(d, hn::MaxOfLanes(di, largest)));
}

// Writes 32 bytes, scale and sum of one block. x: [32].
HWY_INLINE void QuantizeBlock(const float* x, size_t block, const QuantizedRowPlace& to) {
  const FloatTag d;
  const IntTag di;
  float largest = LargestMagnitude(x);
  if (largest < kSmallest) largest = 0;
  const auto factor = hn::Set(d, largest == 0 ? 0.0F : kHighest / largest);
  auto total = hn::Zero(di);
  for (size_t i = 0; i < kBlockInputs; i += kVectorFloats) {
    const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), factor));
    const auto bytes = hn::DemoteTo(ByteTag(), rounded);
    hn::StoreU(bytes, ByteTag(), to.values + block * to.stride * kBlockInputs + i);
    total = hn::Sub(total, hn::PromoteTo(di, bytes));
  }
  to.scales[block * to.stride] = largest / kHighest;
  to.minus_sums[block * to.stride] = hn::GetLane(hn::SumOfLanes(di, total));
}

void QuantizeRow(const float* x, size_t cols, const QuantizedRowPlace& to) {
  const size_t blocks = GroupCount(cols) * kGroupBlocks;
  for (size_t block = 0; block < blocks; ++block) {
    const size_t first = block * kBlockInputs;
    HWY_ALIGN float padded[kBlockInputs] = {};
    const float* from = x + first;
    if (first + kBlockInputs > cols) {
      if (first < cols) std::memcpy(padded, from, (cols - first) * sizeof(float));
      from = padded;
    }
    QuantizeBlock(from, block, to);
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(QuantizeRow);

constexpr size_t kGrainRows = 4;  // worth another thread

size_t Padded(size_t cols) { return GroupCount(cols) * kGroupInputs; }

}  // namespace

QuantizedRows::QuantizedRows(size_t max_rows, size_t max_cols)
    : max_rows_(max_rows),
      max_cols_(max_cols),
      values_(max_rows * Padded(max_cols)),
      scales_(max_rows * Padded(max_cols) / kBlockInputs),
      minus_sums_(max_rows * Padded(max_cols) / kBlockInputs) {}

void QuantizedRows::Quantize(const ConstRows& x, ThreadPool& pool) {
  CHECK(x.rows <= max_rows_ && x.cols <= max_cols_);
  rows_ = x.rows;
  cols_ = x.cols;
  pool.ParallelFor(rows_, kGrainRows, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      HWY_DYNAMIC_DISPATCH(QuantizeRow)(x.data + row * cols_, cols_, PlaceOf(row));
    }
  });
}

QuantizedTile QuantizedRows::tile(size_t index) const {
  const size_t first = index * kTileRows;
  const size_t blocks = first * block_count();
  return {values_.data() + blocks * kBlockInputs, scales_.data() + blocks,
          minus_sums_.data() + blocks, std::min(kTileRows, rows_ - first)};
}

QuantizedRowPlace QuantizedRows::PlaceOf(size_t row) {
  const size_t tile_rows = tile(row / kTileRows).rows;
  const size_t first = row / kTileRows * kTileRows * block_count() + row % kTileRows;
  return {values_.data() + first * kBlockInputs, scales_.data() + first, minus_sums_.data() + first,
          tile_rows};
}

}  // namespace windrose
#endif  // HWY_ONCE
