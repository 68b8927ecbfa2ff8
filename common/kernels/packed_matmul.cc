#define HWY_WANT_AVX3_DL 1
#include "common/kernels/packed_matmul.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/kernels/index_range.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/packed_matmul.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/byte_dot-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// Rows that share one unpacking of a block; their sums stay in registers.
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kMostRows = 16;
#else
constexpr size_t kMostRows = 4;
#endif
// How far ahead of its use a group's weights are asked for.
constexpr size_t kPrefetchBytes = 4096;
// Activation bytes that a pass over the panels may use: they should stay in the second cache.
constexpr size_t kPassBytes = 512 * 1024;

// Scales and zero points of one block, one output a lane.
template <DType kType>
HWY_INLINE void LoadHeader(const std::byte* header, size_t first_output, FloatVector& scale,
                           FloatVector& zero) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  if constexpr (kType == DType::kQ4) {
    const hn::Rebind<uint8_t, FloatTag> bytes;
    const auto* codes = reinterpret_cast<const uint8_t*>(header) + first_output;
    // A code is the lower exponent and the upper mantissa bits of an f32 below 2.
    const auto code = hn::PromoteTo(du, hn::LoadU(bytes, codes));
    scale = hn::BitCast(d, hn::Add(hn::ShiftLeft<19>(code), hn::Set(du, uint32_t{127 - 15} << 23)));
    const auto zeros = hn::PromoteTo(hn::RebindToSigned<FloatTag>(),
                                     hn::LoadU(bytes, codes + kGroupBlocks * kPanelOutputs));
    zero = hn::Mul(hn::ConvertTo(d, zeros), hn::Set(d, 1.0F / 16.0F));
  } else {
    scale = LoadWeights<DType::kBf16>(header + first_output * sizeof(uint16_t));
    zero = hn::Set(d, 128.0F);
  }
}

// Some rows of quantised activations, side by side.
struct QuantizedTile {
  const int8_t* values;
  const float* scales;
  const float* sums;
  size_t values_stride;
  size_t blocks_stride;
};

// Where a tile's results go: rows of `stride`, of which the first `outputs` are wanted.
struct TileResults {
  float* data;
  size_t stride;
  size_t outputs;
};

template <size_t kRows>
struct TileSums {
  FloatVector of[kRows][kParts];
};

// Asks for the weights that come kPrefetchBytes behind a block.
template <DType kType>
HWY_INLINE void PrefetchBehind(const std::byte* block) {
  for (size_t byte = 0; byte < PackedGroupBytes(kType) / kGroupBlocks; byte += 64) {
    hwy::Prefetch(block + kPrefetchBytes + byte);
  }
}

// sums += what block `block` of the panel, which is in `group`, gives to each row.
template <DType kType, size_t kRows>
HWY_INLINE void AddBlock(const std::byte* group, size_t block, const QuantizedTile& x,
                         TileSums<kRows>& sums) {
  const FloatTag d;
  const size_t within = block % kGroupBlocks;
  const std::byte* data = group + kGroupHeaderBytes + within * PackedBlockBytes(kType);
  PrefetchBehind<kType>(data);
  HWY_UNROLL(4)
  for (size_t p = 0; p < kParts; ++p) {
    FloatVector scale;
    FloatVector zero;
    LoadHeader<kType>(group, within * kPanelOutputs + p * kVectorFloats, scale, zero);
    BlockWeights<kType> weights;
    LoadBlockWeights<kType>(data + p * kVectorBytes, weights);
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) {
      const size_t at = r * x.blocks_stride + block;
      const auto dot = hn::ConvertTo(
          d, BlockDot<kType>(weights, x.values + r * x.values_stride + block * kBlockInputs));
      const auto exact = hn::NegMulAdd(zero, hn::Set(d, x.sums[at]), dot);
      sums.of[r][p] = hn::MulAdd(exact, hn::Mul(scale, hn::Set(d, x.scales[at])), sums.of[r][p]);
    }
  }
}

template <size_t kRows>
HWY_INLINE void StoreTile(const TileSums<kRows>& sums, const std::byte* panel,
                          const TileResults& results) {
  for (size_t r = 0; r < kRows; ++r) {
    HWY_ALIGN_MAX float row[kPanelOutputs];
    for (size_t p = 0; p < kParts; ++p) {
      const auto row_scale = LoadWeights<DType::kF32>(panel + p * kVectorFloats * sizeof(float));
      hn::Store(hn::Mul(sums.of[r][p], row_scale), FloatTag(), row + p * kVectorFloats);
    }
    std::memcpy(results.data + r * results.stride, row, results.outputs * sizeof(float));
  }
}

// One panel of `groups` groups times kRows rows.
template <DType kType, size_t kRows>
HWY_INLINE void MultiplyTile(const std::byte* panel, size_t groups, const QuantizedTile& x,
                             const TileResults& results) {
  TileSums<kRows> sums;
  HWY_UNROLL(16)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(4)
    for (size_t p = 0; p < kParts; ++p) sums.of[r][p] = hn::Zero(FloatTag());
  }
  const std::byte* group = panel + kRowScaleBytes;
  for (size_t index = 0; index < groups; ++index, group += PackedGroupBytes(kType)) {
    HWY_UNROLL(2)
    for (size_t within = 0; within < kGroupBlocks; ++within) {
      AddBlock<kType, kRows>(group, index * kGroupBlocks + within, x, sums);
    }
  }
  StoreTile<kRows>(sums, panel, results);
}

QuantizedTile TileAt(const QuantizedRows& x, size_t row) {
  return {x.values(row), x.scales(row), x.sums(row), x.padded_cols(), x.block_count()};
}

// Rows [rows.begin, rows.end) in tiles of kRows, then of half as many, down to one. `results` are
// those of row 0.
template <DType kType, size_t kRows>
HWY_INLINE void MultiplyRows(const std::byte* panel, const QuantizedRows& x, IndexRange rows,
                             const TileResults& results) {
  const size_t groups = GroupCount(x.cols());
  for (; rows.size() >= kRows; rows.begin += kRows) {
    MultiplyTile<kType, kRows>(
        panel, groups, TileAt(x, rows.begin),
        {results.data + rows.begin * results.stride, results.stride, results.outputs});
  }
  if constexpr (kRows > 1) {
    if (rows.size() > 0) MultiplyRows<kType, kRows / 2>(panel, x, rows, results);
  }
}

template <DType kType>
void MultiplyPanels(const QuantizedRows& x, const WeightView& weight, const Rows& out,
                    const IndexRange& panels) {
  const size_t fitting = kPassBytes / std::max<size_t>(x.padded_cols(), 1);
  const size_t pass_rows = std::max(fitting / kMostRows * kMostRows, kMostRows);
  const size_t panel_bytes = PackedPanelBytes(kType, weight.cols);
  for (size_t row = 0; row < x.rows(); row += pass_rows) {
    const IndexRange rows{row, std::min(row + pass_rows, x.rows())};
    for (size_t panel = panels.begin; panel < panels.end; ++panel) {
      const size_t first_output = panel * kPanelOutputs;
      const size_t outputs = std::min(kPanelOutputs, weight.rows - first_output);
      MultiplyRows<kType, kMostRows>(weight.data + panel * panel_bytes, x, rows,
                                     {out.data + first_output, out.cols, outputs});
    }
  }
}

void MultiplyPanelsOf(const QuantizedRows& x, const WeightView& weight, const Rows& out,
                      const IndexRange& panels) {
  if (weight.dtype == DType::kQ4) return MultiplyPanels<DType::kQ4>(x, weight, out, panels);
  MultiplyPanels<DType::kQ8>(x, weight, out, panels);
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(MultiplyPanelsOf);

// Products a range of panels must hold to be worth another thread.
constexpr size_t kRangeProducts = 256 * 1024;

}  // namespace

void MultiplyPacked(const QuantizedRows& x, const WeightView& weight, const Rows& out,
                    ThreadPool& pool) {
  CHECK(IsPacked(weight.dtype));
  CHECK(x.cols() == weight.cols && out.cols == weight.rows && out.rows == x.rows());
  if (x.rows() == 0) return;
  const size_t products = x.rows() * std::max<size_t>(x.cols(), 1) * kPanelOutputs;
  const size_t grain = std::max<size_t>(1, kRangeProducts / products);
  pool.ParallelFor(PanelCount(weight.rows), grain, [&](size_t begin, size_t end) {
    HWY_DYNAMIC_DISPATCH(MultiplyPanelsOf)(x, weight, out, {begin, end});
  });
}

}  // namespace windrose
#endif  // HWY_ONCE
