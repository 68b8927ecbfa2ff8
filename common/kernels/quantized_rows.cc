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

// Groups with no larger magnitude count as zeros: their reciprocal would overflow.
constexpr float kSmallest = 0x1p-100F;
constexpr float kHighest = 127.0F;

// The largest magnitude; NaN, whose bits are above infinity's, wins over all.
HWY_INLINE float LargestMagnitude(const float* x) {
  const FloatTag d;
  const IntTag di;
  auto largest = hn::Zero(di);
  for (size_t i = 0; i < kGroupInputs; i += kVectorFloats) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, x + i))));
  }
  return hn::GetLane(hn::BitCast(d, hn::MaxOfLanes(di, largest)));
}

// Writes the 32 bytes of one block and returns minus their sum. x: [32].
HWY_INLINE int32_t QuantizeBlock(const float* x, FloatVector factor, int8_t* to) {
  const FloatTag d;
  const IntTag di;
  auto total = hn::Zero(di);
  for (size_t i = 0; i < kBlockInputs; i += kVectorFloats) {
    const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), factor));
    const auto bytes = hn::DemoteTo(ByteTag(), rounded);
    hn::StoreU(bytes, ByteTag(), to + i);
    total = hn::Sub(total, hn::PromoteTo(di, bytes));
  }
  return hn::GetLane(hn::SumOfLanes(di, total));
}

// Two numbers of 16 bits, one after the other in memory.
HWY_INLINE int32_t PairOf(int32_t first, int32_t second) {
  return static_cast<int32_t>((static_cast<uint32_t>(second) << 16) |
                              (static_cast<uint32_t>(first) & 0xFFFF));
}

// Writes bytes, scale and sums of one group. x: [128].
HWY_INLINE void QuantizeGroup(const float* x, size_t group, const QuantizedRowPlace& to) {
  float largest = LargestMagnitude(x);
  if (largest < kSmallest) largest = 0;
  const auto factor = hn::Set(FloatTag(), largest == 0 ? 0.0F : kHighest / largest);
  const size_t at = group * to.stride;
  int32_t* const minus_sums = to.minus_sums + at * kGroupSums;
  int8_t* const values = to.values + at * kGroupInputs;
  int32_t total = 0;
  for (size_t half = 0; half < 2; ++half) {
    int32_t* const sums = minus_sums + half * kHalfSums;
    for (size_t block = 0; block < kPairSum; ++block) {
      const size_t first = (half * kPairSum + block) * kBlockInputs;
      sums[block] = QuantizeBlock(x + first, factor, values + first);
      total += sums[block];
    }
    sums[kPairSum] = PairOf(sums[0], sums[1]);
  }
  minus_sums[kWholeSum] = total;
  to.scales[at] = largest / kHighest;
}

void QuantizeRow(const float* x, size_t cols, const QuantizedRowPlace& to) {
  for (size_t group = 0; group < GroupCount(cols); ++group) {
    const size_t first = group * kGroupInputs;
    HWY_ALIGN float padded[kGroupInputs] = {};
    const float* from = x + first;
    if (first + kGroupInputs > cols) {
      std::memcpy(padded, from, (cols - first) * sizeof(float));
      from = padded;
    }
    QuantizeGroup(from, group, to);
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(QuantizeRow);

constexpr size_t kGrainRows = 4;  // worth another thread

}  // namespace

QuantizedRows::QuantizedRows(size_t max_rows, size_t max_cols)
    : max_rows_(max_rows),
      max_cols_(max_cols),
      values_(max_rows * GroupCount(max_cols) * kGroupInputs),
      scales_(max_rows * GroupCount(max_cols)),
      minus_sums_(max_rows * GroupCount(max_cols) * kGroupSums) {}

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
  const size_t groups = first * group_count();
  return {values_.data() + groups * kGroupInputs, scales_.data() + groups,
          minus_sums_.data() + groups * kGroupSums, std::min(kTileRows, rows_ - first)};
}

QuantizedRowPlace QuantizedRows::PlaceOf(size_t row) {
  const size_t tile_rows = tile(row / kTileRows).rows;
  const size_t first = row / kTileRows * kTileRows * group_count() + row % kTileRows;
  return {values_.data() + first * kGroupInputs, scales_.data() + first,
          minus_sums_.data() + first * kGroupSums, tile_rows};
}

}  // namespace windrose
#endif  // HWY_ONCE
