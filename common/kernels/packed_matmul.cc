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
#include "common/kernels/matrix_unit-inl.h"
#include "common/kernels/packed_group-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// Rows that use weights while these are in registers. With VNNI their sums run side by side.
#if HWY_TARGET <= HWY_AVX3_DL || HWY_TARGET == HWY_NEON
constexpr size_t kRowsAtOnce = 4;
#else
constexpr size_t kRowsAtOnce = 8;
#endif
// Activation bytes that a pass over the panels may use: they should stay in the second cache.
constexpr size_t kPassBytes = 512 * 1024;

// What a group gives to kRows rows of the tile, the first of which is `at` groups into it.
template <DType kType, size_t kRows>
HWY_INLINE void AddRows(const Group<kType>& group, const QuantizedTile& x, size_t at, float* sums) {
  IntVector dots[kGroupBlocks][kRows];
  GroupDots<kType>(group.weights, x.values + at * kGroupInputs, x.minus_sums + at * kGroupBlocks,
                   dots);
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    AddDots(dots[0][r], dots[1][r], group, x.scales[at + r], sums + r * kPanelOutputs);
  }
}

// kRows at a time, then the rest, down to one.
template <DType kType, size_t kRows>
HWY_INLINE void AddAllRows(const Group<kType>& group, const QuantizedTile& x, size_t at,
                           size_t rows, float* sums) {
  for (; rows >= kRows; rows -= kRows, at += kRows, sums += kRows * kPanelOutputs) {
    AddRows<kType, kRows>(group, x, at, sums);
  }
  if constexpr (kRows > 1) {
    if (rows > 0) AddAllRows<kType, kRows - 1>(group, x, at, rows, sums);
  }
}

// Products in the lanes of vectors, of kRows rows at a time.
template <size_t kRows>
struct VectorProducts {
  // sums += what group `index` of the panel, which lies at `from`, gives to each row.
  template <DType kType>
  static HWY_INLINE void AddGroup(const std::byte* from, size_t index, const QuantizedTile& x,
                                  TileSums& sums) {
    PrefetchBehind<kType>(from, x.rows);
    for (size_t p = 0; p < kParts; ++p) {
      Group<kType> group;
      LoadGroup<kType>(from, p, group);
      AddAllRows<kType, kRows>(group, x, index * x.rows, x.rows, sums.of[0] + p * kVectorFloats);
    }
  }
};

// Where a tile's results go: rows of `stride`, of which the first `outputs` are wanted.
struct TileResults {
  float* data;
  size_t stride;
  size_t outputs;
};

HWY_INLINE void StoreTile(TileSums& sums, const std::byte* panel, size_t rows,
                          const TileResults& results) {
  const FloatTag d;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t o = 0; o < kPanelOutputs; o += kVectorFloats) {
      const auto row_scale = LoadWeights<DType::kF32>(panel + o * sizeof(float));
      hn::Store(hn::Mul(hn::Load(d, sums.of[r] + o), row_scale), d, sums.of[r] + o);
    }
    std::memcpy(results.data + r * results.stride, sums.of[r], results.outputs * sizeof(float));
  }
}

// One panel of `groups` groups times a tile of rows.
template <DType kType, class Products>
void MultiplyTile(const Products& products, const std::byte* panel, size_t groups,
                  const QuantizedTile& x, const TileResults& results) {
  TileSums sums;
  const std::byte* group = panel + kRowScaleBytes;
  for (size_t index = 0; index < groups; ++index, group += PackedGroupBytes(kType)) {
    products.template AddGroup<kType>(group, index, x, sums);
  }
  StoreTile(sums, panel, x.rows, results);
}

// The same, with what is fastest for so many rows. One has code of its own, where weights stay in
// registers.
template <DType kType>
void MultiplyTileWith([[maybe_unused]] ByteProducts products, const std::byte* panel, size_t groups,
                      const QuantizedTile& x, const TileResults& results) {
#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL
  if (products == ByteProducts::kMatrixUnit && x.rows >= MatrixUnitProducts::kFewestRows) {
    return MultiplyTile<kType>(MatrixUnitProducts(x.rows), panel, groups, x, results);
  }
#endif
  if (x.rows == 1) return MultiplyTile<kType>(VectorProducts<1>(), panel, groups, x, results);
  MultiplyTile<kType>(VectorProducts<kRowsAtOnce>(), panel, groups, x, results);
}

template <DType kType>
void MultiplyPanels(ByteProducts products, const QuantizedRows& x, const WeightView& weight,
                    const Rows& out, const IndexRange& panels) {
  constexpr size_t kTileRows = QuantizedRows::kTileRows;
  const size_t tile_bytes = std::max<size_t>(x.padded_cols(), 1) * kTileRows;
  const size_t pass_tiles = std::max<size_t>(kPassBytes / tile_bytes, 1);
  const size_t panel_bytes = PackedPanelBytes(kType, weight.cols);
  for (size_t first = 0; first < x.tile_count(); first += pass_tiles) {
    const size_t end = std::min(first + pass_tiles, x.tile_count());
    for (size_t panel = panels.begin; panel < panels.end; ++panel) {
      const size_t output = panel * kPanelOutputs;
      const size_t outputs = std::min(kPanelOutputs, weight.rows - output);
      for (size_t tile = first; tile < end; ++tile) {
        MultiplyTileWith<kType>(
            products, weight.data + panel * panel_bytes, x.group_count(), x.tile(tile),
            {out.data + tile * kTileRows * out.cols + output, out.cols, outputs});
      }
    }
  }
}

void MultiplyPanelsOf(ByteProducts products, const QuantizedRows& x, const WeightView& weight,
                      const Rows& out, const IndexRange& panels) {
  if (weight.dtype == DType::kQ4) {
    return MultiplyPanels<DType::kQ4>(products, x, weight, out, panels);
  }
  MultiplyPanels<DType::kQ8>(products, x, weight, out, panels);
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
                    ThreadPool& pool, ByteProducts products) {
  CHECK(IsQuantized(weight.dtype));
  CHECK(x.cols() == weight.cols && out.cols == weight.rows && out.rows == x.rows());
  if (x.rows() == 0) return;
  const size_t panel_products = x.rows() * std::max<size_t>(x.cols(), 1) * kPanelOutputs;
  const size_t grain = std::max<size_t>(1, kRangeProducts / panel_products);
  pool.ParallelFor(PanelCount(weight.rows), grain, [&](size_t begin, size_t end) {
    HWY_DYNAMIC_DISPATCH(MultiplyPanelsOf)(products, x, weight, out, {begin, end});
  });
}

}  // namespace windrose
#endif  // HWY_ONCE
