#define HWY_WANT_AVX3_DL 1
#include "common/kernels/packed_matmul.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "common/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/packed_matmul.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/byte_tiles-inl.h"
#include "common/kernels/packed_group-inl.h"
#include "common/kernels/weights_ahead-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// Rows that use weights while these are in registers. Where byte products sum in a chain, as many
// as hide its latency; with VNNI a row of q8 has two sums.
template <DType kType>
#if HWY_TARGET <= HWY_AVX3_DL
constexpr size_t kRowsAtOnce = kType == DType::kQ8 ? 4 : 8;
#elif HWY_TARGET == HWY_NEON
constexpr size_t kRowsAtOnce = 4;
#else
constexpr size_t kRowsAtOnce = 1;
#endif
// Rows in a step of the loop over single rows. Counting is work, too, where it shares ports with
// the products.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
constexpr int kSingleRowsInAStep = 4;
#else
constexpr int kSingleRowsInAStep = 1;
#endif
// Rows of q4 that are so few that weights are multiplied as they are kept.
constexpr size_t kCodedRows = 2;
// Activation bytes that a pass over the panels may use: they should stay in the second cache.
constexpr size_t kPassBytes = 512 * 1024;

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL

// Parts of half a group whose weights registers hold, one after the other.
template <size_t kHalf>
using PartsOfQ8 = std::tuple<Half<DType::kQ8, kHalf>>;

// What half a group of q8 gives to kRows rows of the tile from `row` on. `x`: from that group on.
template <size_t kRows, size_t kHalf, class Ahead>
HWY_INLINE void AddRows(const Half<DType::kQ8, kHalf>& half, const QuantizedTile& x, size_t row,
                        const Ahead& ahead, TileSums& sums) {
  const FloatTag d;
  IntVector dots[kHalfBlocks][kRows];
  Q8Dots(half.weights, x.values + row * kGroupInputs + kHalf * kHalfInputs,
         x.minus_sums + row * kGroupSums + kHalf * kHalfSums, ahead, dots);
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    auto both = hn::Mul(hn::ConvertTo(d, dots[0][r]), half.scales[0]);
    both = hn::MulAdd(hn::ConvertTo(d, dots[1][r]), half.scales[1], both);
    AddHalfDots(both, x.scales[row + r], sums.of[row + r][0] + half.lane);
  }
}

#else

// A block of q8, first or second of its half, as one register of outputs meets it.
template <size_t kHalf, size_t kBlock>
struct Q8Block {
  BlockWeights<DType::kQ8> weights;
  FloatVector scale;
  size_t lane;

  HWY_INLINE Q8Block(const PackedPanel<DType::kQ8>& panel, size_t group, size_t first_lane)
      : lane(first_lane) {
    constexpr size_t kOfGroup = kHalf * kHalfBlocks + kBlock;
    const std::byte* const header = panel.header(group, kOfGroup) + lane;
    LoadBlockWeights<DType::kQ8>(panel.block(group, kOfGroup) + 4 * lane, header, weights);
    scale = ScalesOfCodes(LoadHeader(header));
  }
};

template <size_t kHalf>
using PartsOfQ8 = std::tuple<Q8Block<kHalf, 0>, Q8Block<kHalf, 1>>;

// What a block of q8 gives to kRows rows of the tile from `row` on. `x`: from its group on.
template <size_t kRows, size_t kHalf, size_t kBlock, class Ahead>
HWY_INLINE void AddRows(const Q8Block<kHalf, kBlock>& block, const QuantizedTile& x, size_t row,
                        const Ahead& ahead, TileSums& sums) {
  const FloatTag d;
  const int8_t* const values = x.values + kHalf * kHalfInputs + kBlock * kBlockInputs;
  const int32_t* const minus_sums = x.minus_sums + kHalf * kHalfSums + kBlock;
  AskDuringBlock(ahead, kBlock);
  HWY_UNROLL(8)
  for (size_t r = row; r < row + kRows; ++r) {
    const IntVector dot =
        Q8BlockDot(block.weights, values + r * kGroupInputs, minus_sums[r * kGroupSums]);
    float* const part = sums.part[r] + block.lane;
    if constexpr (kBlock == 0) {
      hn::Store(hn::Mul(hn::ConvertTo(d, dot), block.scale), d, part);
    } else {
      const auto both = hn::MulAdd(hn::ConvertTo(d, dot), block.scale, hn::Load(d, part));
      AddHalfDots(both, x.scales[r], sums.of[r][0] + block.lane);
    }
  }
}

#endif

// What half a group of q4 gives; both halves make one dot.
template <size_t kRows, size_t kHalf, class Weights, class Ahead>
HWY_INLINE void AddRows(const Half<DType::kQ4, kHalf, Weights>& half, const QuantizedTile& x,
                        size_t row, const Ahead& ahead, TileSums& sums) {
  const FloatTag d;
  const int32_t* const minus_sums = x.minus_sums + row * kGroupSums;
  IntVector dots[kRows];
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    dots[r] = kHalf == 0 ? Q4Start(half.weights, minus_sums + r * kGroupSums)
                         : hn::BitCast(IntTag(), hn::Load(d, sums.part[row + r] + half.lane));
  }
  AddQ4Dots(half.weights, x.values + row * kGroupInputs + kHalf * kHalfInputs,
            minus_sums + kHalf * kHalfSums, ahead, dots);
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    if constexpr (kHalf == 0) {
      hn::Store(hn::BitCast(d, dots[r]), d, sums.part[row + r] + half.lane);
    } else {
      AddGroupDot(dots[r], half.scales[0], x.scales[row + r], sums.of[row + r][0] + half.lane);
    }
  }
}

// kRows at a time, then the rest, down to one; the first of them ask for what is `ahead`.
template <size_t kRows, class Part, class Ahead>
HWY_INLINE void AddRowsFrom(size_t row, const Part& part, const QuantizedTile& x,
                            const Ahead& ahead, TileSums& sums) {
  if constexpr (Ahead::kAsks) {
    if (x.rows >= kRows) {
      AddRows<kRows>(part, x, 0, ahead, sums);
      return AddRowsFrom<kRows>(kRows, part, x, NothingAhead(), sums);
    }
  }
  if constexpr (kRows > 1) {
    for (; row + kRows <= x.rows; row += kRows) AddRows<kRows>(part, x, row, ahead, sums);
    if (row < x.rows) AddRowsFrom<kRows - 1>(row, part, x, ahead, sums);
  } else {
    HWY_UNROLL(kSingleRowsInAStep)
    for (; row < x.rows; ++row) AddRows<1>(part, x, row, ahead, sums);
  }
}

// Products in the lanes of vectors, of kRows rows at a time.
template <DType kType, size_t kRows>
struct VectorProducts {
  static constexpr size_t kPanels = 1;
  using Panels = std::array<PackedPanel<kType>, kPanels>;
  using Sums = TileSums;
  using Weights =
      std::conditional_t<kType == DType::kQ4 && kRows <= kCodedRows, CodedHalf, HalfWeights<kType>>;

  // sums += what the panel gives to each row of the tile.
  static void AddPanels(const Panels& panels, const QuantizedTile& x, TileSums& sums) {
    for (size_t group = 0; group < panels[0].group_count(); ++group) {
      const QuantizedTile from_group = x.FromGroup(group);
      AddHalf<0>(panels[0], group, from_group, sums);
      AddHalf<1>(panels[0], group, from_group, sums);
    }
  }

  // `x`: from that group on.
  template <size_t kHalf>
  static HWY_INLINE void AddHalf(const PackedPanel<kType>& panel, size_t group,
                                 const QuantizedTile& x, TileSums& sums) {
    if constexpr (kHalf == 0) PrefetchLine(panel.header(group, 0) + kAheadBytes);
    const WeightsAhead<kType> ahead(panel.block(group, kHalf * kHalfBlocks));
    using Parts = std::conditional_t<kType == DType::kQ8, PartsOfQ8<kHalf>,
                                     std::tuple<Half<kType, kHalf, Weights>>>;
    AddPart<std::tuple_element_t<0, Parts>>(panel, group, x, ahead, sums);
    if constexpr (std::tuple_size_v<Parts> == 2) {
      AddPart<std::tuple_element_t<1, Parts>>(panel, group, x, ahead, sums);
    }
  }

  template <class Part>
  static HWY_INLINE void AddPart(const PackedPanel<kType>& panel, size_t group,
                                 const QuantizedTile& x, const WeightsAhead<kType>& ahead,
                                 TileSums& sums) {
    AddRowsFrom<kRows>(0, Part(panel, group, 0), x, ahead, sums);
    for (size_t lane = kVectorFloats; lane < kPanelOutputs; lane += kVectorFloats) {
      AddRowsFrom<kRows>(0, Part(panel, group, lane), x, NothingAhead(), sums);
    }
  }
};

// Where the results of some panels go: rows of `stride`, which have room for `outputs` more.
struct TileResults {
  float* data;
  size_t stride;
  size_t outputs;
};

// One panel's results. The last of a matrix may have fewer outputs than lanes.
template <class Sums>
HWY_INLINE void StoreResults(const Sums& sums, size_t panel, const std::byte* row_scales,
                             size_t rows, const TileResults& results) {
  const FloatTag d;
  const size_t outputs = std::min(kPanelOutputs, results.outputs - panel * kPanelOutputs);
  for (size_t r = 0; r < rows; ++r) {
    float* const to = results.data + r * results.stride + panel * kPanelOutputs;
    HWY_ALIGN_MAX float whole[kPanelOutputs];
    float* const scaled = outputs == kPanelOutputs ? to : whole;
    for (size_t o = 0; o < kPanelOutputs; o += kVectorFloats) {
      const auto row_scale = LoadWeights<DType::kF32>(row_scales + o * sizeof(float));
      hn::StoreU(hn::Mul(hn::Load(d, sums.of[r][panel] + o), row_scale), d, scaled + o);
    }
    if (scaled == whole) std::memcpy(to, whole, outputs * sizeof(float));
  }
}

// A range of panels times all rows.
template <DType kType>
class Multiplication {
 public:
  Multiplication(Products products, const QuantizedRows& x, const WeightView& weight,
                 const Rows& out)
      : x_(x), weight_(weight), out_(out), panel_bytes_(PackedPanelBytes(kType, weight.cols)) {
#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL
    if (products == Products::kMatrixUnit) unit_.emplace();
#else
    (void)products;
#endif
  }

  // Tiles that fit the second cache together pass over the panels together.
  void Run(const IndexRange& panels) {
    const size_t tile_bytes = std::max<size_t>(x_.padded_cols(), 1) * QuantizedRows::kTileRows;
    const size_t pass_tiles = std::max<size_t>(kPassBytes / tile_bytes, 1);
    for (size_t first = 0; first < x_.tile_count(); first += pass_tiles) {
      const size_t end = std::min(first + pass_tiles, x_.tile_count());
      for (size_t panel = panels.begin; panel < panels.end; panel += kMostPanels) {
        const size_t count = std::min(kMostPanels, panels.end - panel);
        for (size_t tile = first; tile < end; ++tile) RunTile(tile, {panel, panel + count});
      }
    }
  }

 private:
  static constexpr size_t kMostPanels = 2;

  PackedPanel<kType> PanelAt(size_t index) const {
    return {weight_.data + index * panel_bytes_, weight_.cols};
  }
  template <size_t... kIndex>
  std::array<PackedPanel<kType>, sizeof...(kIndex)> PanelsFrom(
      size_t first, std::index_sequence<kIndex...> /*count*/) const {
    return {PanelAt(first + kIndex)...};
  }

  void RunTile(size_t tile, const IndexRange& panels) {
    const QuantizedTile x = x_.tile(tile);
#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL
    if (unit_ && x.rows >= kFewestUnitRows<kType>) {
      unit_->Prepare<kType>(x.rows);
      if (panels.size() == 1) return RunPanels<ByteTiles<kType, 1>>(x, tile, panels.begin);
      return RunPanels<ByteTiles<kType, 2>>(x, tile, panels.begin);
    }
#endif
    for (size_t panel = panels.begin; panel < panels.end; ++panel) RunByVectors(x, tile, panel);
  }

  // The fewest rows have code of their own, where weights stay in registers.
  void RunByVectors(const QuantizedTile& x, size_t tile, size_t panel) const {
    if (x.rows == 1) return RunPanels<VectorProducts<kType, 1>>(x, tile, panel);
    if constexpr (kRowsAtOnce<kType> >= kCodedRows) {
      if (x.rows == kCodedRows) return RunPanels<VectorProducts<kType, kCodedRows>>(x, tile, panel);
    }
    RunPanels<VectorProducts<kType, kRowsAtOnce<kType>>>(x, tile, panel);
  }

  template <class Multiply>
  void RunPanels(const QuantizedTile& x, size_t tile, size_t first) const {
    constexpr size_t kPanels = Multiply::kPanels;
    const auto panels = PanelsFrom(first, std::make_index_sequence<kPanels>());
    const TileResults results{
        out_.data + tile * QuantizedRows::kTileRows * out_.cols + first * kPanelOutputs, out_.cols,
        weight_.rows - first * kPanelOutputs};
    PrefetchResults(results.data, results.stride, x.rows,
                    std::min(kPanels * kPanelOutputs, results.outputs));
    typename Multiply::Sums sums;
    Multiply::AddPanels(panels, x, sums);
    for (size_t p = 0; p < kPanels; ++p) {
      StoreResults(sums, p, panels[p].row_scales(), x.rows, results);
    }
  }

  const QuantizedRows& x_;
  const WeightView& weight_;
  const Rows& out_;
  const size_t panel_bytes_;
#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL
  std::optional<UnitTiles> unit_;
#endif
};

void MultiplyPanelsOf(Products products, const QuantizedRows& x, const WeightView& weight,
                      const Rows& out, const IndexRange& panels) {
  if (weight.dtype == DType::kQ4) {
    return Multiplication<DType::kQ4>(products, x, weight, out).Run(panels);
  }
  Multiplication<DType::kQ8>(products, x, weight, out).Run(panels);
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(MultiplyPanelsOf);

}  // namespace

void MultiplyPacked(const QuantizedRows& x, const WeightView& weight, const Rows& out,
                    const IndexRange& panels, Products products) {
  CHECK(IsQuantized(weight.dtype));
  CHECK(x.cols() == weight.cols && out.cols == weight.rows && out.rows == x.rows());
  HWY_DYNAMIC_DISPATCH(MultiplyPanelsOf)(products, x, weight, out, panels);
}

}  // namespace windrose
#endif  // HWY_ONCE
