// MatrixUnitProducts: byte products with the matrix unit of x86 (AMX), instead of vectors.
//
// Unpacked weights of a block of q8, or of two blocks of q4, are one tile register's contents, four
// inputs of sixteen outputs in a row, and up to sixteen rows of activations another's. A tile
// product gives the same integers as Q8Dots and AddQ4Dots, so that nothing after it can tell the
// two apart. Written as assembly, like the other instructions that Highway does not know; see the
// Intel 64 Software Developer's Manual, volume 1, "Programming with Intel AMX", and TDPBSUD in
// volume 2. Private to common/kernels; compiled once per instruction set, for AVX3_DL alone.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "common/kernels/index_range.h"
#include "common/kernels/packed_group-inl.h"

#if defined(WINDROSE_KERNELS_MATRIX_UNIT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_MATRIX_UNIT_INL_H_
#undef WINDROSE_KERNELS_MATRIX_UNIT_INL_H_
#else
#define WINDROSE_KERNELS_MATRIX_UNIT_INL_H_
#endif

#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

constexpr size_t kTileRegisterRows = 16;
constexpr size_t kTileRegisterRowBytes = 64;

// Fewer rows leave most of the unit idle.
constexpr size_t kFewestUnitRows = 8;

// What the tile registers hold.
constexpr int kWeightsTile = 0;  // and 1: two blocks of q8, or both halves of a group of q4
constexpr int kInputsTile = 2;   // and 3: of sixteen rows, and of the last, fewer ones
constexpr int kSumsTile = 4;     // and 5: likewise

// The shapes of the tile registers, as LDTILECFG reads them.
struct TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void Set(int tile, size_t row_count, size_t bytes) {
    rows[tile] = static_cast<uint8_t>(row_count);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};
static_assert(sizeof(TileShapes) == 64);

template <int kTile>
HWY_INLINE void LoadTile(const void* from, size_t stride) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2"
                   :
                   : "r"(from), "r"(stride), "i"(kTile)
                   : "memory");
}

// to = the products of signed inputs and unsigned weights, [rows, 16].
// Writes the sums, [rows, 16], and leaves them.
template <int kTile>
HWY_INLINE void StoreTileSums(int32_t* to) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)"
                   :
                   : "r"(to), "r"(kTileRegisterRowBytes), "i"(kTile)
                   : "memory");
}

template <int kTile>
HWY_INLINE void ZeroTile() {
  __asm__ volatile("tilezero %%tmm%c0" : : "i"(kTile));
}

// Sums of products of signed inputs and unsigned weights.
template <int kSums, int kInputs, int kWeights>
HWY_INLINE void AddTileProducts() {
  __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0"
                   :
                   : "i"(kSums), "i"(kInputs), "i"(kWeights));
}

// Of one tile of rows, as long as it lives: the unit's state belongs to the thread.
template <DType kType>
class MatrixUnitProducts {
 public:
  explicit MatrixUnitProducts(size_t rows) {
    TileShapes shapes;
    shapes.Set(kWeightsTile, kTileChunks, kChunkBytes);
    shapes.Set(kWeightsTile + 1, kTileChunks, kChunkBytes);
    SetRows(shapes, kFull, std::min(rows, kTileRegisterRows));
    SetRows(shapes, kLast, rows % kTileRegisterRows);
    __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
  }
  ~MatrixUnitProducts() { __asm__ volatile("tilerelease"); }
  MatrixUnitProducts(const MatrixUnitProducts&) = delete;
  MatrixUnitProducts& operator=(const MatrixUnitProducts&) = delete;

  // As VectorProducts::AddGroup.
  HWY_INLINE void AddGroup(const PackedPanel<kType>& panel, size_t index, const QuantizedTile& x,
                           TileSums& sums) const {
    PrefetchBehind<kType>(panel.block(index, 0), x.rows);
    PrefetchBehind<kType>(panel.block(index, kHalfBlocks), x.rows);
    const Half<kType, 0> first(panel, index, 0);
    const Half<kType, 1> second(panel, index, 0);
    if constexpr (kType == DType::kQ8) {
      LoadWeightTiles(first.weights.chunk, first.weights.chunk + kTileChunks);
      AddAllRows(first, index, x, sums);
      LoadWeightTiles(second.weights.chunk, second.weights.chunk + kTileChunks);
      AddAllRows(second, index, x, sums);
    } else {
      LoadWeightTiles(first.weights.chunk, second.weights.chunk);
      AddAllRows(second, index, x, sums);
    }
  }

 private:
  // A dot of q8 ends with its block.
  static constexpr size_t kTileChunks = kType == DType::kQ8 ? kBlockChunks : kHalfChunks;
  static constexpr int kFull = 0;  // which of two tile registers: for sixteen rows
  static constexpr int kLast = 1;  // or for those that are left

  using Dots = int32_t[kTileRegisterRows][kPanelOutputs];

  static void SetRows(TileShapes& shapes, int which, size_t rows) {
    if (rows == 0) return;
    shapes.Set(kInputsTile + which, rows, 4 * kTileChunks);
    shapes.Set(kSumsTile + which, rows, kTileRegisterRowBytes);
  }

  static HWY_INLINE void LoadWeightTiles(const WeightBytes* first, const WeightBytes* second) {
    LoadTile<kWeightsTile>(first, kChunkBytes);
    LoadTile<kWeightsTile + 1>(second, kChunkBytes);
  }

  template <class AnyHalf>
  static HWY_INLINE void AddAllRows(const AnyHalf& half, size_t index, const QuantizedTile& x,
                                    TileSums& sums) {
    size_t row = 0;
    for (; row + kTileRegisterRows <= x.rows; row += kTileRegisterRows) {
      AddRows<kFull>(half, index * x.rows, {row, row + kTileRegisterRows}, x, sums);
    }
    if (row < x.rows) AddRows<kLast>(half, index * x.rows, {row, x.rows}, x, sums);
  }

  // What half a group of q8 gives to some rows of the tile; `at`: the place of the tile's first.
  template <int kWhich, size_t kHalf>
  static HWY_INLINE void AddRows(const Half<DType::kQ8, kHalf>& half, size_t at,
                                 const IndexRange& rows, const QuantizedTile& x, TileSums& sums) {
    const int8_t* const values = x.values + (at + rows.begin) * kGroupInputs + kHalf * kHalfInputs;
    HWY_ALIGN_MAX Dots dots[kHalfBlocks];
    MultiplyBlock<kWhich, kWeightsTile>(values, dots[0]);
    MultiplyBlock<kWhich, kWeightsTile + 1>(values + kBlockInputs, dots[1]);
    for (size_t r = rows.begin; r < rows.end; ++r) {
      const int32_t* const minus_sums = x.minus_sums + (at + r) * kGroupSums + kHalf * kHalfBlocks;
      AddHalfDots(WithOffset(dots[0][r - rows.begin], minus_sums[0]),
                  WithOffset(dots[1][r - rows.begin], minus_sums[1]), half.scales, x.scales[at + r],
                  sums.of[r]);
    }
  }

  template <int kWhich, int kWeights>
  static HWY_INLINE void MultiplyBlock(const int8_t* values, Dots& dots) {
    ZeroTile<kSumsTile + kWhich>();
    LoadTile<kInputsTile + kWhich>(values, kGroupInputs);
    AddTileProducts<kSumsTile + kWhich, kInputsTile + kWhich, kWeights>();
    StoreTileSums<kSumsTile + kWhich>(dots[0]);
  }

  // The same of a whole group of q4, whose halves have one scale.
  template <int kWhich>
  static HWY_INLINE void AddRows(const Half<DType::kQ4, 1>& half, size_t at, const IndexRange& rows,
                                 const QuantizedTile& x, TileSums& sums) {
    const int8_t* const values = x.values + (at + rows.begin) * kGroupInputs;
    HWY_ALIGN_MAX Dots dots;
    ZeroTile<kSumsTile + kWhich>();
    LoadTile<kInputsTile + kWhich>(values, kGroupInputs);
    AddTileProducts<kSumsTile + kWhich, kInputsTile + kWhich, kWeightsTile>();
    LoadTile<kInputsTile + kWhich>(values + kHalfInputs, kGroupInputs);
    AddTileProducts<kSumsTile + kWhich, kInputsTile + kWhich, kWeightsTile + 1>();
    StoreTileSums<kSumsTile + kWhich>(dots[0]);
    for (size_t r = rows.begin; r < rows.end; ++r) {
      const int32_t total = x.minus_sums[(at + r) * kGroupSums + kGroupBlocks];
      AddGroupDot(WithOffset(dots[r - rows.begin], total), half.scales[0], x.scales[at + r],
                  sums.of[r]);
    }
  }

  static HWY_INLINE IntVector WithOffset(const int32_t* dots, int32_t minus_sum) {
    return hn::Add(hn::Load(IntTag(), dots), OffsetOf(minus_sum));
  }
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // AVX3_DL

#endif  // per target
