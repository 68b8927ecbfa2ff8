// The tile registers of x86's matrix unit (AMX) and its instructions: eight registers of up to
// sixteen rows of 64 bytes, and products of two of them.
//
// Written as assembly, like the other instructions that Highway does not know; see the Intel 64
// Software Developer's Manual, volume 1, "Programming with Intel AMX", and volume 2 for each.
// Private to common/kernels; compiled once per instruction set, for AVX3_DL alone.
#include <cstddef>
#include <cstdint>

#include "common/kernels/lanes-inl.h"

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

// The shapes of the tile registers, as LDTILECFG reads them.
struct TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void Set(size_t tile, size_t row_count, size_t bytes) {
    rows[tile] = static_cast<uint8_t>(row_count);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};
static_assert(sizeof(TileShapes) == 64);

// Holds the calling thread's tile registers, zeros first, and gives them back.
class TileRegisters {
 public:
  TileRegisters() = default;
  ~TileRegisters() { __asm__ volatile("tilerelease"); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;

  void Shape(const TileShapes& shapes) { __asm__ volatile("ldtilecfg %0" : : "m"(shapes)); }
};

// Rows of the register's shape, `stride` bytes apart.
template <size_t kTile>
HWY_INLINE void LoadTile(const void* from, size_t stride) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2"
                   :
                   : "r"(from), "r"(stride), "i"(kTile)
                   : "memory");
}

template <size_t kTile>
HWY_INLINE void StoreTile(void* to, size_t stride) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)"
                   :
                   : "r"(to), "r"(stride), "i"(kTile)
                   : "memory");
}

// Sums of products of signed bytes: four inputs of a row of inputs, and of sixteen outputs.
template <size_t kSums, size_t kInputs, size_t kWeights>
HWY_INLINE void AddByteTiles() {
  __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0"
                   :
                   : "i"(kSums), "i"(kInputs), "i"(kWeights));
}

// Sums of products of bf16: two inputs of a row of inputs, and of sixteen outputs.
template <size_t kSums, size_t kInputs, size_t kWeights>
HWY_INLINE void AddBf16Tiles() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                   :
                   : "i"(kSums), "i"(kInputs), "i"(kWeights));
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // AVX3_DL

#endif  // per target
