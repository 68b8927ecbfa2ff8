// Bf16UnitTile: products of packed bf16 with the matrix unit of x86 (AMX), in the order kBlocks of
// bf16_matmul.h, which is that of its instruction.
//
// Sixteen pairs of a panel are one tile register's contents as they lie, up to sixteen rows of
// activations another's, and their sums a third's, which stays in its register for all inputs.
// Private to common/kernels; compiled once per instruction set, for AVX3_DL alone.
#include <algorithm>
#include <cstddef>

#include "common/kernels/bf16_tile-inl.h"
#include "common/kernels/matrix_unit-inl.h"

#if defined(WINDROSE_KERNELS_BF16_UNIT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BF16_UNIT_TILE_INL_H_
#undef WINDROSE_KERNELS_BF16_UNIT_TILE_INL_H_
#else
#define WINDROSE_KERNELS_BF16_UNIT_TILE_INL_H_
#endif

#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

class Bf16UnitTile {
 public:
  static constexpr size_t kPanels = kBf16UnitPanels;

  // Of so many rows, at most kBf16UnitRows. The calling thread's tile registers are its own.
  explicit Bf16UnitTile(size_t rows) : rows_(rows) {
    const size_t first = std::min(rows, kTileRegisterRows);
    TileShapes shapes;
    SetRows(0, first, shapes);
    if (rows > first) SetRows(1, rows - first, shapes);
    for (size_t p = 0; p < kPanels; ++p) {
      shapes.Set(kWeights + p, kTileRegisterRows, kTileRegisterRowBytes);
    }
    registers_.Shape(shapes);
  }

  size_t rows() const { return rows_; }

  // As VectorTile::Accumulate.
  void Accumulate(const PanelGroup& group, const InputTile& x, TileSums& sums) const {
    if (rows_ <= kTileRegisterRows) return AccumulateRows<1>(group, x, sums);
    AccumulateRows<2>(group, x, sums);
  }

 private:
  // What the tile registers hold.
  static constexpr size_t kSums = 0;     // to 3: of a register of rows and a panel
  static constexpr size_t kInputs = 4;   // and 5: the first sixteen rows, and the others
  static constexpr size_t kWeights = 6;  // and 7: of each panel

  static constexpr size_t kSumsRowBytes = kPanels * kPanelOutputs * sizeof(float);

  static void SetRows(size_t which, size_t rows, TileShapes& shapes) {
    shapes.Set(kInputs + which, rows, kTileRegisterRowBytes);
    for (size_t p = 0; p < kPanels; ++p) {
      shapes.Set(kSums + which * kPanels + p, rows, kTileRegisterRowBytes);
    }
  }

  static float* SumsAt(TileSums& sums, size_t which, size_t panel) {
    return sums.data + (which * kTileRegisterRows * kPanels + panel) * kPanelOutputs;
  }

  template <size_t kRegisters>
  static void AccumulateRows(const PanelGroup& group, const InputTile& x, TileSums& sums) {
    const size_t x_stride = x.stride * sizeof(uint16_t);
    LoadSums<0>(sums);
    if constexpr (kRegisters == 2) LoadSums<1>(sums);
    for (size_t pair = 0; pair < group.pair_count; pair += kBlockPairs) {
      PrefetchBlock(group, x.prefetching, pair);
      LoadTile<kWeights>(group.pairs[0] + pair * kPairBytes, kPairBytes);
      LoadTile<kWeights + 1>(group.pairs[1] + pair * kPairBytes, kPairBytes);
      const uint16_t* const inputs = x.pairs + 2 * pair;
      AddRows<0>(inputs, x_stride);
      if constexpr (kRegisters == 2) AddRows<1>(inputs + kTileRegisterRows * x.stride, x_stride);
    }
    StoreSums<0>(sums);
    if constexpr (kRegisters == 2) StoreSums<1>(sums);
  }

  template <size_t kWhich>
  static HWY_INLINE void AddRows(const uint16_t* inputs, size_t stride) {
    LoadTile<kInputs + kWhich>(inputs, stride);
    AddBf16Tiles<kSums + kWhich * kPanels, kInputs + kWhich, kWeights>();
    AddBf16Tiles<kSums + kWhich * kPanels + 1, kInputs + kWhich, kWeights + 1>();
  }

  template <size_t kWhich>
  static HWY_INLINE void LoadSums(TileSums& sums) {
    LoadTile<kSums + kWhich * kPanels>(SumsAt(sums, kWhich, 0), kSumsRowBytes);
    LoadTile<kSums + kWhich * kPanels + 1>(SumsAt(sums, kWhich, 1), kSumsRowBytes);
  }

  template <size_t kWhich>
  static HWY_INLINE void StoreSums(TileSums& sums) {
    StoreTile<kSums + kWhich * kPanels>(SumsAt(sums, kWhich, 0), kSumsRowBytes);
    StoreTile<kSums + kWhich * kPanels + 1>(SumsAt(sums, kWhich, 1), kSumsRowBytes);
  }

  static HWY_INLINE void PrefetchBlock(const PanelGroup& group, const Prefetching& prefetching,
                                       size_t pair) {
    for (size_t p = 0; p < kPanels; ++p) {
      const std::byte* const from = group.pairs[p] + prefetching.begin + pair * prefetching.step;
      for (size_t byte = 0; byte < kBlockPairs * prefetching.step; byte += kPairBytes) {
        PrefetchLine(from + byte);
      }
    }
  }

  const size_t rows_;
  TileRegisters registers_;
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // AVX3_DL

#endif  // per target
