#define HWY_WANT_AVX3_DL 1
#include "common/kernels/bf16_matmul.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "common/base/check.h"
#include "common/kernels/flush_denormals.h"
#include "common/kernels/index_range.h"
#include "common/kernels/instruction_set.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/bf16_matmul.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/pair_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// How far ahead of its use a panel's pairs are asked for, when one tile takes all rows.
constexpr size_t kPrefetchBytes = 4096;
// Weight bytes that all tiles of rows use one after the other: they should stay in the second
// cache meanwhile, with as many of the next.
constexpr size_t kGroupBytes = 256 * 1024;

constexpr size_t kMostSums = std::max(FusedPairs::kSums, InstructionPairs::kSums);

// Panels that are multiplied together: their sums fill the registers, and share each input.
template <class Products>
constexpr size_t PanelsOf(size_t rows) {
  return std::clamp<size_t>(Products::kSums / rows, 1, Products::kMostPanels);
}

template <class Products>
constexpr size_t kMostRows = std::min(Products::kSums / std::min<size_t>(2, Products::kMostPanels),
                                      Bf16Rows::kTileRows);

// Some panels of the weights: where each one's pairs begin. Panels that are missing at the end are
// the last one again, whose results are not wanted then.
struct PanelGroup {
  std::array<const std::byte*, 4> pairs;
  size_t pair_count;
};

// What a tile asks for while it is computed: for each pair, `step` bytes more from `begin` bytes
// behind the pairs of each panel on.
struct Prefetching {
  size_t begin;
  size_t step;
};

// Some rows of activations, side by side.
struct InputTile {
  const uint16_t* pairs;
  size_t stride;
  Prefetching prefetching;
};

// Where a tile's results go: rows of `stride`, of which the first `rows` and `outputs` are wanted.
// `begun`: they hold the sums of earlier inputs.
struct TileResults {
  float* data;
  size_t stride;
  size_t rows;
  size_t outputs;
  bool begun;
};

// The sums of a tile while they are in memory, row by row.
struct TileSums {
  HWY_ALIGN_MAX float data[kMostSums * kPanelOutputs];
};

// `row_size`: outputs of a tile, wanted or not.
void BeginTile(const TileResults& results, size_t row_size, TileSums& sums) {
  std::fill(std::begin(sums.data), std::end(sums.data), 0.0F);
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

// sums += products of kRows rows and kPanels panels.
template <class Products, size_t kRows, size_t kPanels>
void AccumulateTile(const PanelGroup& group, const InputTile& x, TileSums& sums) {
  Lanes sum[kRows][kPanels];
  HWY_UNROLL(16)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(4)
    for (size_t p = 0; p < kPanels; ++p) {
      sum[r][p] = LoadLanes(sums.data + (r * kPanels + p) * kPanelOutputs);
    }
  }
  const Prefetching prefetching = x.prefetching;
  for (size_t pair = 0; pair < group.pair_count; ++pair) {
    typename Products::Weights weights[kPanels];
    HWY_UNROLL(4)
    for (size_t p = 0; p < kPanels; ++p) {
      const std::byte* at = group.pairs[p] + pair * kPairBytes;
      PrefetchLine(group.pairs[p] + prefetching.begin + pair * prefetching.step);
      weights[p] = Products::LoadWeights(at);
    }
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) {
      const auto input = Products::LoadInput(x.pairs + r * x.stride + 2 * pair);
      HWY_UNROLL(4)
      for (size_t p = 0; p < kPanels; ++p) Products::Add(weights[p], input, sum[r][p]);
    }
  }
  HWY_UNROLL(16)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(4)
    for (size_t p = 0; p < kPanels; ++p) {
      StoreLanes(sum[r][p], sums.data + (r * kPanels + p) * kPanelOutputs);
    }
  }
}

template <class Products, size_t kRows>
void MultiplyTile(const PanelGroup& group, const InputTile& x, const TileResults& results) {
  constexpr size_t kPanels = PanelsOf<Products>(kRows);
  TileSums sums;
  BeginTile(results, kPanels * kPanelOutputs, sums);
  AccumulateTile<Products, kRows, kPanels>(group, x, sums);
  StoreTile(sums, kPanels * kPanelOutputs, results);
}

// The product of a range of panels, in tiles of kRows rows.
template <class Products, size_t kRows>
class Multiplication {
 public:
  Multiplication(const Bf16Rows& x, const WeightView& weight, const Rows& out)
      : x_(x),
        weight_(weight),
        out_(out),
        panel_bytes_(PackedPanelBytes(DType::kPackedBf16, weight.cols)) {}

  void Run(const IndexRange& panels) const {
    // Pieces of the inputs, one after the other; the sums rest in `out` between them.
    const size_t all = x_.pair_count();
    const size_t piece = x_.rows() <= kRows ? all : kGroupBytes / (kPanels * kPairBytes);
    for (size_t pair = 0; pair < all; pair += piece) {
      const IndexRange pairs{pair, std::min(pair + piece, all)};
      for (size_t panel = panels.begin; panel < panels.end; panel += kPanels) {
        RunGroup({panel, std::min(panel + kPanels, panels.end)}, pairs);
      }
    }
  }

 private:
  static constexpr size_t kPanels = PanelsOf<Products>(kRows);

  // One tile streams from memory. Of several, each asks for its share of the next panels.
  Prefetching PrefetchingOf(size_t row, size_t pair_count) const {
    const size_t tiles = (x_.rows() + kRows - 1) / kRows;
    if (tiles == 1) return {kPrefetchBytes, kPairBytes};
    const size_t step = (kPairBytes + tiles - 1) / tiles;
    return {kPanels * panel_bytes_ + row / kRows * pair_count * step, step};
  }

  void RunGroup(const IndexRange& panels, const IndexRange& pairs) const {
    PanelGroup group{{}, pairs.size()};
    for (size_t p = 0; p < kPanels; ++p) {
      const size_t panel = std::min(panels.begin + p, panels.end - 1);
      group.pairs[p] = weight_.data + panel * panel_bytes_ + pairs.begin * kPairBytes;
    }
    const size_t first = panels.begin * kPanelOutputs;
    const size_t outputs = std::min(panels.end * kPanelOutputs, weight_.rows) - first;
    for (size_t row = 0; row < x_.rows(); row += kRows) {
      const size_t rows = std::min(kRows, x_.rows() - row);
      MultiplyTile<Products, kRows>(
          group, {x_.values(row) + 2 * pairs.begin, x_.stride(), PrefetchingOf(row, pairs.size())},
          {out_.data + row * out_.cols + first, out_.cols, rows, outputs, pairs.begin > 0});
    }
  }

  const Bf16Rows& x_;
  const WeightView& weight_;
  const Rows& out_;
  const size_t panel_bytes_;
};

// As many tiles as the rows need, all of the same size.
template <class Products, size_t kRows>
void MultiplyInTilesOf(size_t rows, const Bf16Rows& x, const WeightView& weight, const Rows& out,
                       const IndexRange& panels) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      return MultiplyInTilesOf<Products, kRows - 1>(rows, x, weight, out, panels);
    }
  }
  Multiplication<Products, kRows>(x, weight, out).Run(panels);
}

template <class Products>
void MultiplyPanels(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                    const IndexRange& panels) {
  const size_t tiles = (x.rows() + kMostRows<Products> - 1) / kMostRows<Products>;
  const size_t rows = (x.rows() + tiles - 1) / tiles;
  MultiplyInTilesOf<Products, kMostRows<Products>>(rows, x, weight, out, panels);
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

// Products a range of panels must hold to be worth another thread.
constexpr size_t kRangeProducts = 256 * 1024;
constexpr size_t kGrainPanels = 4;  // what most tiles multiply together

}  // namespace

void MultiplyBf16(const Bf16Rows& x, const WeightView& weight, const Rows& out, ThreadPool& pool) {
  CHECK(weight.dtype == DType::kPackedBf16);
  CHECK(x.cols() == weight.cols && out.cols == weight.rows && out.rows == x.rows());
  if (x.rows() == 0) return;
  const bool by_instruction = UsesBf16Products();
  const size_t products = x.rows() * std::max<size_t>(x.cols(), 1) * kPanelOutputs * kGrainPanels;
  const size_t grain = kGrainPanels * std::max<size_t>(1, kRangeProducts / products);
  pool.ParallelFor(PanelCount(weight.rows), grain, [&](size_t begin, size_t end) {
    const FlushDenormals flush;
    if (by_instruction) {
      HWY_DYNAMIC_DISPATCH(MultiplyPanelsByInstruction)(x, weight, out, {begin, end});
    } else {
      HWY_DYNAMIC_DISPATCH(MultiplyPanelsFused)(x, weight, out, {begin, end});
    }
  });
}

}  // namespace windrose
#endif  // HWY_ONCE
