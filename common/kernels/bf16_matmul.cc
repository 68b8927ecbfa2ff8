#define HWY_WANT_AVX3_DL 1
#include "common/kernels/bf16_matmul.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "common/base/check.h"
#include "common/kernels/flush_denormals.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/bf16_matmul.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/bf16_unit_tile-inl.h"
#include "common/kernels/pair_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// How far ahead of its use a panel's pairs are asked for, when one tile takes all rows.
constexpr size_t kPrefetchBytes = 4096;
// Weight bytes that all tiles of rows use one after the other: they should stay in the second
// cache meanwhile, with as many of the next.
constexpr size_t kGroupBytes = 256 * 1024;

// Panels that are multiplied together: their sums fill the registers, and share each input.
template <class Products>
constexpr size_t PanelsOf(size_t rows) {
  return std::clamp<size_t>(Products::kSums / rows, 1, Products::kMostPanels);
}

template <class Products>
constexpr size_t kMostRows = std::min(Products::kSums / std::min<size_t>(2, Products::kMostPanels),
                                      Bf16Rows::kTileRows);

// Where a tile's results go: rows of `stride`, of which the first `rows` and `outputs` are wanted.
// `begun`: they hold the sums of earlier inputs.
struct TileResults {
  float* data;
  size_t stride;
  size_t rows;
  size_t outputs;
  bool begun;
};

// `row_size`: outputs of a tile, wanted or not; `rows`: likewise.
void BeginTile(const TileResults& results, size_t rows, size_t row_size, TileSums& sums) {
  std::fill_n(sums.data, rows * row_size, 0.0F);
  if (!results.begun) return;
  for (size_t r = 0; r < results.rows; ++r) {
    std::memcpy(sums.data + r * row_size, results.data + r * results.stride,
                results.outputs * sizeof(float));
  }
}

void StoreTile(const TileSums& sums, size_t row_size, const TileResults& results) {
  for (size_t r = 0; r < results.rows; ++r) {
    std::memcpy(results.data + r * results.stride, sums.data + r * row_size,
                results.outputs * sizeof(float));
  }
}

// Tiles of kRows rows and as many panels as their sums leave registers for.
template <class Products, size_t kRows>
class VectorTile {
 public:
  static constexpr size_t kPanels = PanelsOf<Products>(kRows);

  static constexpr size_t rows() { return kRows; }

  // sums += the products.
  static void Accumulate(const PanelGroup& group, const InputTile& x, TileSums& sums) {
    Sums own;
    ForEach([&](size_t r, size_t p) HWY_ATTR { own[r][p] = Products::Begin(At(sums, r, p)); });
    for (size_t pair = 0; pair < group.pair_count; ++pair) {
      AddPair(group, x, pair, own);
      if constexpr (Products::kInBlocks) {
        if (pair % kBlockPairs == kBlockPairs - 1) {
          ForEach([&](size_t r, size_t p) HWY_ATTR { Products::EndBlock(own[r][p]); });
        }
      }
    }
    ForEach([&](size_t r, size_t p)
                HWY_ATTR { StoreLanes(Products::Total(own[r][p]), At(sums, r, p)); });
  }

 private:
  using Sums = typename Products::Sum[kRows][kPanels];

  static float* At(TileSums& sums, size_t row, size_t panel) {
    return sums.data + (row * kPanels + panel) * kPanelOutputs;
  }

  template <class Each>
  static HWY_INLINE void ForEach(const Each& each) {
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) {
      HWY_UNROLL(4)
      for (size_t p = 0; p < kPanels; ++p) each(r, p);
    }
  }

  static HWY_INLINE void AddPair(const PanelGroup& group, const InputTile& x, size_t pair,
                                 Sums& sums) {
    const Prefetching& prefetching = x.prefetching;
    typename Products::Weights weights[kPanels];
    HWY_UNROLL(4)
    for (size_t p = 0; p < kPanels; ++p) {
      PrefetchLine(group.pairs[p] + prefetching.begin + pair * prefetching.step);
      weights[p] = Products::LoadWeights(group.pairs[p] + pair * kPairBytes);
    }
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) {
      const auto input = Products::LoadInput(x.pairs + r * x.stride + 2 * pair);
      HWY_UNROLL(4)
      for (size_t p = 0; p < kPanels; ++p) Products::Add(weights[p], input, sums[r][p]);
    }
  }
};

// The product of a range of panels, in tiles of one kind.
template <class Tile>
class Multiplication {
 public:
  Multiplication(const Tile& tile, const Bf16Rows& x, const WeightView& weight, const Rows& out)
      : tile_(tile),
        x_(x),
        weight_(weight),
        out_(out),
        panel_bytes_(PackedPanelBytes(DType::kPackedBf16, weight.cols)) {}

  void Run(const IndexRange& panels) const {
    // Pieces of the inputs, one after the other; the sums rest in `out` between them.
    const size_t all = x_.pair_count();
    const size_t piece = x_.rows() <= tile_.rows() ? all : kPiecePairs;
    for (size_t pair = 0; pair < all; pair += piece) {
      const IndexRange pairs{pair, std::min(pair + piece, all)};
      for (size_t panel = panels.begin; panel < panels.end; panel += kPanels) {
        RunGroup({panel, std::min(panel + kPanels, panels.end)}, pairs);
      }
    }
  }

 private:
  static constexpr size_t kPanels = Tile::kPanels;
  // Whole blocks.
  static constexpr size_t kPiecePairs =
      kGroupBytes / (kPanels * kPairBytes) / kBlockPairs * kBlockPairs;

  // One tile streams from memory. Of several, each asks for its share of the next panels.
  Prefetching PrefetchingOf(size_t row, size_t pair_count) const {
    const size_t tiles = (x_.rows() + tile_.rows() - 1) / tile_.rows();
    if (tiles == 1) return {kPrefetchBytes, kPairBytes};
    const size_t step = (kPairBytes + tiles - 1) / tiles;
    return {kPanels * panel_bytes_ + row / tile_.rows() * pair_count * step, step};
  }

  void RunGroup(const IndexRange& panels, const IndexRange& pairs) const {
    PanelGroup group{{}, pairs.size()};
    for (size_t p = 0; p < kPanels; ++p) {
      const size_t panel = std::min(panels.begin + p, panels.end - 1);
      group.pairs[p] = weight_.data + panel * panel_bytes_ + pairs.begin * kPairBytes;
    }
    const size_t first = panels.begin * kPanelOutputs;
    const size_t outputs = std::min(panels.end * kPanelOutputs, weight_.rows) - first;
    for (size_t row = 0; row < x_.rows(); row += tile_.rows()) {
      const size_t rows = std::min(tile_.rows(), x_.rows() - row);
      RunTile(group,
              {x_.values(row) + 2 * pairs.begin, x_.stride(), PrefetchingOf(row, pairs.size())},
              {out_.data + row * out_.cols + first, out_.cols, rows, outputs, pairs.begin > 0});
    }
  }

  void RunTile(const PanelGroup& group, const InputTile& x, const TileResults& results) const {
    PrefetchResults(results.data, results.stride, results.rows, results.outputs);
    TileSums sums;
    BeginTile(results, tile_.rows(), kPanels * kPanelOutputs, sums);
    tile_.Accumulate(group, x, sums);
    StoreTile(sums, kPanels * kPanelOutputs, results);
  }

  const Tile& tile_;
  const Bf16Rows& x_;
  const WeightView& weight_;
  const Rows& out_;
  const size_t panel_bytes_;
};

// As many tiles as the rows need, all of the same size.
constexpr size_t EvenTileRows(size_t rows, size_t most) {
  const size_t tiles = (rows + most - 1) / most;
  return (rows + tiles - 1) / tiles;
}

template <class Products, size_t kRows>
void MultiplyInTilesOf(size_t rows, const Bf16Rows& x, const WeightView& weight, const Rows& out,
                       const IndexRange& panels) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      return MultiplyInTilesOf<Products, kRows - 1>(rows, x, weight, out, panels);
    }
  }
  Multiplication(VectorTile<Products, kRows>(), x, weight, out).Run(panels);
}

template <class Products>
void MultiplyPanels(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                    const IndexRange& panels) {
  const size_t rows = EvenTileRows(x.rows(), kMostRows<Products>);
  MultiplyInTilesOf<Products, kMostRows<Products>>(rows, x, weight, out, panels);
}

void MultiplyPanelsInBlocks(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                            const IndexRange& panels) {
  MultiplyPanels<FusedBlocks>(x, weight, out, panels);
}

void MultiplyPanelsByUnit(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                          const IndexRange& panels) {
#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL
  const Bf16UnitTile tile(EvenTileRows(x.rows(), kBf16UnitRows));
  Multiplication(tile, x, weight, out).Run(panels);
#else
  MultiplyPanelsInBlocks(x, weight, out, panels);
#endif
}

void MultiplyPanelsByInstruction(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                                 const IndexRange& panels) {
  MultiplyPanels<InstructionPairs>(x, weight, out, panels);
}

void MultiplyPanelsFused(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                         const IndexRange& panels) {
  MultiplyPanels<FusedPairs>(x, weight, out, panels);
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(MultiplyPanelsByInstruction);
HWY_EXPORT(MultiplyPanelsFused);
HWY_EXPORT(MultiplyPanelsByUnit);
HWY_EXPORT(MultiplyPanelsInBlocks);

}  // namespace

void MultiplyBf16(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                  const IndexRange& panels, Products products) {
  CHECK(weight.dtype == DType::kPackedBf16);
  CHECK(x.cols() == weight.cols && out.cols == weight.rows && out.rows == x.rows());
  const FlushDenormals flush;
  if (x.order() == Bf16Order::kBlocks) {
    if (products == Products::kMatrixUnit) {
      HWY_DYNAMIC_DISPATCH(MultiplyPanelsByUnit)(x, weight, out, panels);
    } else {
      HWY_DYNAMIC_DISPATCH(MultiplyPanelsInBlocks)(x, weight, out, panels);
    }
  } else if (UsesBf16Products()) {
    HWY_DYNAMIC_DISPATCH(MultiplyPanelsByInstruction)(x, weight, out, panels);
  } else {
    HWY_DYNAMIC_DISPATCH(MultiplyPanelsFused)(x, weight, out, panels);
  }
}

}  // namespace windrose
#endif  // HWY_ONCE
