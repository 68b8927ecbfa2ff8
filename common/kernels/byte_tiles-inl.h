// ByteTiles: products of q4 and q8 with the matrix unit of x86 (AMX) instead of vectors.
//
// Unpacked weights of a block of q8, or of two blocks of q4, are one tile register's contents, four
// inputs of sixteen outputs in a row, and up to sixteen rows of activations another's. A tile
// product gives the same integers as Q8Dots and AddQ4Dots, so that nothing after it can tell the
// two apart. Private to common/kernels; compiled once per instruction set, for AVX3_DL alone.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "common/kernels/matrix_unit-inl.h"
#include "common/kernels/unit_group-inl.h"

#if defined(WINDROSE_KERNELS_BYTE_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BYTE_TILES_INL_H_
#undef WINDROSE_KERNELS_BYTE_TILES_INL_H_
#else
#define WINDROSE_KERNELS_BYTE_TILES_INL_H_
#endif

#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// Fewer rows are left to vectors, which wait for less and let memory run on: q8 of eight rows gains
// a twelfth of its speed, q4 of three an eighth.
template <DType kType>
constexpr size_t kFewestUnitRows = kType == DType::kQ4 ? 5 : 11;

// Some rows of a tile, of one register. The last of more than sixteen ends with the tile, and
// begins among rows that are done already: their dots come out once more.
struct RowBlock {
  size_t first;
  size_t wanted;  // the first row that is not done
  size_t end;
};

HWY_INLINE RowBlock RowBlockOf(size_t index, size_t rows) {
  const size_t begin = index * kTileRegisterRows;
  const size_t end = std::min(begin + kTileRegisterRows, rows);
  return {end - std::min(end, kTileRegisterRows), begin, end};
}

// Of kPanels panels, side by side: they share what is loaded of the activations.
template <DType kType, size_t kPanelCount>
class ByteTiles {
 public:
  static constexpr size_t kPanels = kPanelCount;
  using Panels = std::array<PackedPanel<kType>, kPanels>;
  using Sums = PanelSums<kPanels>;

  // For tiles of so many rows.
  static TileShapes ShapesFor(size_t rows) {
    const size_t block = std::min(rows, kTileRegisterRows);
    TileShapes shapes;
    for (size_t i = 0; i < 4; ++i) shapes.Set(kWeightsTile + i, kTileChunks, kChunkBytes);
    for (size_t i = 0; i < 2; ++i) shapes.Set(kInputsTile + i, block, 4 * kTileChunks);
    for (size_t i = 0; i < 2; ++i) shapes.Set(kSumsTile + i, block, kTileRegisterRowBytes);
    return shapes;
  }

  // sums += what each panel gives to each row of the tile. The unit multiplies some rows while
  // vectors scale the dots of those before, which leave its registers last of all: what comes after
  // a store of tiles waits for it.
  static void AddPanels(const Panels& panels, const QuantizedTile& x, Sums& sums) {
    Weights weights[2];  // the second is scaled with while the first is multiplied, and in turn
    HWY_ALIGN_MAX Dots dots;
    const size_t block_count = (x.rows + kTileRegisterRows - 1) / kTileRegisterRows;
    Step before{};
    for (size_t group = 0; group < panels[0].group_count(); ++group) {
      Weights& own = weights[group % 2];
      own.Load(panels, group);
      if constexpr (kType == DType::kQ4) LoadWeightTiles(own);
      for (size_t b = 0; b < block_count; ++b) {
        const Step step{group, RowBlockOf(b, x.rows)};
        const int8_t* const values = x.FromGroup(group).values + step.rows.first * kGroupInputs;
        MultiplyDot<0>(own, values, dots);
        if (group + b > 0) Scale(weights[before.group % 2], dots, before, x, sums);
        MultiplyOtherDots(own, values, dots);
        before = step;
      }
    }
    StoreDots(dots[kGroupDots - 1]);
    Scale(weights[before.group % 2], dots, before, x, sums);
  }

 private:
  using Weights = UnitGroup<kType, kPanels>;
  static constexpr size_t kTileChunks = Weights::kTileChunks;
  static constexpr size_t kGroupDots = Weights::kDots;

  // What the tile registers hold.
  static constexpr size_t kWeightsTile = 0;  // to 3
  static constexpr size_t kInputsTile = 4;   // and 5
  static constexpr size_t kSumsTile = 6;     // and 7: of each panel

  // Some rows of a group: what the unit takes at a time.
  struct Step {
    size_t group;
    RowBlock rows;
  };

  using Dots = int32_t[kGroupDots][kTileRegisterRows][kPanels][kPanelOutputs];
  static constexpr size_t kDotsStride = kPanels * kTileRegisterRowBytes;

  static HWY_INLINE void LoadWeightTiles(const Weights& weights) {
    LoadTile<kWeightsTile>(weights.tile(0, 0), kChunkBytes);
    LoadTile<kWeightsTile + 1>(weights.tile(0, 1), kChunkBytes);
    if constexpr (kPanels == 2) {
      LoadTile<kWeightsTile + 2>(weights.tile(1, 0), kChunkBytes);
      LoadTile<kWeightsTile + 3>(weights.tile(1, 1), kChunkBytes);
    }
  }

  // A register of dots that have just begun.
  template <size_t kTile>
  static HWY_INLINE void LoadStart() {
    static constexpr auto kStarts = [] {
      std::array<int32_t, kTileRegisterRows * kPanelOutputs> starts{};
      starts.fill(kDotStart);
      return starts;
    }();
    LoadTile<kTile>(kStarts.data(), kTileRegisterRowBytes);
  }

  // Products of the registers, with those of the dot before still in them at first.
  template <size_t kDot>
  static HWY_INLINE void MultiplyDot(const Weights& weights, const int8_t* values, Dots& dots) {
    if constexpr (kType == DType::kQ4) {
      LoadTile<kInputsTile>(values, kGroupInputs);
      LoadTile<kInputsTile + 1>(values + kHalfInputs, kGroupInputs);
      StoreDots(dots[0]);
      MultiplyPanel<0>();
      if constexpr (kPanels == 2) MultiplyPanel<1>();
    } else {
      LoadTile<kInputsTile + kDot % 2>(values + kDot * kBlockInputs, kGroupInputs);
      StoreDots(dots[(kDot + kGroupDots - 1) % kGroupDots]);
      MultiplyPanelBlock<0, kDot>(weights);
      if constexpr (kPanels == 2) MultiplyPanelBlock<1, kDot>(weights);
    }
  }

  static HWY_INLINE void MultiplyOtherDots(const Weights& weights, const int8_t* values,
                                           Dots& dots) {
    if constexpr (kGroupDots > 1) {
      MultiplyDot<1>(weights, values, dots);
      MultiplyDot<2>(weights, values, dots);
      MultiplyDot<3>(weights, values, dots);
    }
  }

  static HWY_INLINE void StoreDots(int32_t (&dots)[kTileRegisterRows][kPanels][kPanelOutputs]) {
    StoreTile<kSumsTile>(dots[0][0], kDotsStride);
    if constexpr (kPanels == 2) StoreTile<kSumsTile + 1>(dots[0][1], kDotsStride);
  }

  template <size_t kPanel>
  static HWY_INLINE void MultiplyPanel() {
    constexpr size_t kWeights = kWeightsTile + 2 * kPanel;
    LoadStart<kSumsTile + kPanel>();
    AddByteTiles<kSumsTile + kPanel, kInputsTile, kWeights>();
    AddByteTiles<kSumsTile + kPanel, kInputsTile + 1, kWeights + 1>();
  }

  template <size_t kPanel, size_t kBlock>
  static HWY_INLINE void MultiplyPanelBlock(const Weights& weights) {
    constexpr size_t kWeights = kWeightsTile + 2 * kPanel + kBlock % 2;
    LoadTile<kWeights>(weights.tile(kPanel, kBlock), kChunkBytes);
    LoadStart<kSumsTile + kPanel>();
    AddByteTiles<kSumsTile + kPanel, kInputsTile + kBlock % 2, kWeights>();
  }

  static HWY_INLINE void Scale(const Weights& weights, const Dots& dots, const Step& step,
                               const QuantizedTile& x, Sums& sums) {
    const RowBlock& rows = step.rows;
    const float* const row_scales = x.FromGroup(step.group).scales;
    if (rows.end - rows.wanted == kTileRegisterRows) {
      HWY_UNROLL(16)
      for (size_t r = 0; r < kTileRegisterRows; ++r) {
        ScaleRow(weights, dots, r, row_scales[rows.wanted + r], sums.of[rows.wanted + r]);
      }
    } else {
      for (size_t r = rows.wanted; r < rows.end; ++r) {
        ScaleRow(weights, dots, r - rows.first, row_scales[r], sums.of[r]);
      }
    }
  }

  static HWY_INLINE void ScaleRow(const Weights& weights, const Dots& dots, size_t at,
                                  float row_scale, float (&sums)[kPanels][kPanelOutputs]) {
    const FloatTag d;
    HWY_UNROLL(2)
    for (size_t p = 0; p < kPanels; ++p) {
      const auto begun = [&](size_t i) HWY_ATTR {
        return hn::BitCast(d, hn::Load(IntTag(), dots[i][at][p]));
      };
      auto sum = hn::Load(d, sums[p]);
      HWY_UNROLL(2)
      for (size_t i = 0; i < kGroupDots; i += 2) {
        // Both factors of the offset and the dot are exact: as if the dot alone were scaled.
        auto scaled = hn::MulAdd(begun(i), weights.scales[p][i], weights.offsets[p][i]);
        if constexpr (kGroupDots > 1) {
          const auto second = hn::Sub(begun(i + 1), hn::Set(d, kDotStartValue));
          scaled = hn::MulAdd(second, weights.scales[p][i + 1], scaled);
        }
        sum = hn::MulAdd(scaled, hn::Set(d, row_scale), sum);
      }
      hn::Store(sum, d, sums[p]);
    }
  }
};

// The thread's tile registers, shaped for the tile of rows that comes next.
class UnitTiles {
 public:
  template <DType kType>
  void Prepare(size_t rows) {
    const size_t block = std::min(rows, kTileRegisterRows);
    if (block == block_rows_) return;
    registers_.Shape(ByteTiles<kType, 1>::ShapesFor(rows));
    block_rows_ = block;
  }

 private:
  TileRegisters registers_;
  size_t block_rows_ = 0;
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // AVX3_DL

#endif  // per target
