// MatrixUnitProducts: byte products with the matrix unit of x86 (AMX), instead of vectors.
//
// As they are kept, weights of a block are one tile register's contents, four inputs of sixteen
// outputs in a row, and up to sixteen rows of activations another's. A tile product gives the same
// integers as GroupDots, so that nothing after it can tell the two apart. Written as assembly, like
// the other instructions that Highway does not know; see the Intel 64 Software Developer's Manual,
// volume 1, "Programming with Intel AMX", and TDPBSUD in volume 2. Private to common/kernels;
// compiled once per instruction set, for AVX3_DL alone.
#include <algorithm>
#include <cstddef>
#include <cstdint>

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

// What the tile registers hold.
constexpr int kWeightsTile = 0;  // and 1: the blocks of a group
constexpr int kInputsTile = 2;   // and 3: the first and the second half of the rows
constexpr int kSumsTile = 4;     // to 7: both blocks of the first half, then of the second

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
template <int kSums, int kInputs, int kWeights>
HWY_INLINE void MultiplyTiles(int32_t* to) {
  __asm__ volatile(
      "tilezero %%tmm%c2\n\t"
      "tdpbsud %%tmm%c4, %%tmm%c3, %%tmm%c2\n\t"
      "tilestored %%tmm%c2, (%0,%1,1)"
      :
      : "r"(to), "r"(kTileRegisterRowBytes), "i"(kSums), "i"(kInputs), "i"(kWeights)
      : "memory");
}

// Of one tile of rows, as long as it lives: the unit's state belongs to the thread.
class MatrixUnitProducts {
 public:
  // Fewer rows leave most of the unit idle.
  static constexpr size_t kFewestRows = 8;

  explicit MatrixUnitProducts(size_t rows) {
    TileShapes shapes;
    for (int block = 0; block < 2; ++block) {
      shapes.Set(kWeightsTile + block, kBlockChunks, kChunkBytes);
    }
    for (int half = 0; half < 2; ++half) {
      const size_t first = static_cast<size_t>(half) * kTileRegisterRows;
      if (first >= rows) break;
      const size_t some = std::min(kTileRegisterRows, rows - first);
      shapes.Set(kInputsTile + half, some, kBlockInputs);
      for (int block = 0; block < 2; ++block) {
        shapes.Set(kSumsTile + 2 * half + block, some, kTileRegisterRowBytes);
      }
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
  }
  ~MatrixUnitProducts() { __asm__ volatile("tilerelease"); }
  MatrixUnitProducts(const MatrixUnitProducts&) = delete;
  MatrixUnitProducts& operator=(const MatrixUnitProducts&) = delete;

  // As VectorProducts::AddGroup.
  template <DType kType>
  HWY_INLINE void AddGroup(const std::byte* from, size_t index, const QuantizedTile& x,
                           TileSums& sums) const {
    PrefetchBehind<kType>(from, x.rows);
    Group<kType> group;
    LoadGroup<kType>(from, 0, group);
    LoadTile<kWeightsTile>(group.weights[0].chunk, kChunkBytes);
    LoadTile<kWeightsTile + 1>(group.weights[1].chunk, kChunkBytes);
    AddHalf<0>(group, index, x, sums);
    if (x.rows > kTileRegisterRows) AddHalf<1>(group, index, x, sums);
  }

 private:
  template <int kHalf, DType kType>
  static HWY_INLINE void AddHalf(const Group<kType>& group, size_t index, const QuantizedTile& x,
                                 TileSums& sums) {
    constexpr size_t kFirst = kHalf * kTileRegisterRows;
    const size_t at = index * x.rows + kFirst;
    const int8_t* values = x.values + at * kGroupInputs;
    HWY_ALIGN_MAX int32_t dots[kGroupBlocks][kTileRegisterRows][kPanelOutputs];
    LoadTile<kInputsTile + kHalf>(values, kGroupInputs);
    MultiplyTiles<kSumsTile + 2 * kHalf, kInputsTile + kHalf, kWeightsTile>(dots[0][0]);
    LoadTile<kInputsTile + kHalf>(values + kBlockInputs, kGroupInputs);
    MultiplyTiles<kSumsTile + 2 * kHalf + 1, kInputsTile + kHalf, kWeightsTile + 1>(dots[1][0]);
    const size_t rows = std::min(kTileRegisterRows, x.rows - kFirst);
    for (size_t r = 0; r < rows; ++r) {
      const int32_t* minus_sums = x.minus_sums + (at + r) * kGroupBlocks;
      AddDots(WithOffset(dots[0][r], minus_sums[0]), WithOffset(dots[1][r], minus_sums[1]), group,
              x.scales[at + r], sums.of[kFirst + r]);
    }
  }

  // Unpacked weights are 128 too high.
  static HWY_INLINE IntVector WithOffset(const int32_t* dots, int32_t minus_sum) {
    const IntTag d;
    return hn::Add(hn::Load(d, dots), hn::Set(d, minus_sum * 128));
  }
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // AVX3_DL

#endif  // per target
