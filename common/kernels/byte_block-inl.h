// What a block of packed weights is to the byte products of every instruction set. Private to
// common/kernels; compiled once per instruction set.
#include <cstddef>
#include <cstdint>

#include "common/kernels/lanes-inl.h"
#include "common/tensor/packed_layout.h"

#if defined(WINDROSE_KERNELS_BYTE_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BYTE_BLOCK_INL_H_
#undef WINDROSE_KERNELS_BYTE_BLOCK_INL_H_
#else
#define WINDROSE_KERNELS_BYTE_BLOCK_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<FloatTag>;
using IntVector = hn::Vec<IntTag>;
constexpr size_t kChunkBytes = 64;                  // four inputs of sixteen outputs
constexpr size_t kBlockChunks = kBlockInputs / 4;   // of unpacked weights
constexpr size_t kVectorBytes = kVectorFloats * 4;  // of one chunk in a register

// Half a group is what registers hold at a time.
constexpr size_t kHalfInputs = kGroupInputs / 2;
constexpr size_t kHalfBlocks = kGroupBlocks / 2;
constexpr size_t kHalfChunks = kHalfBlocks * kBlockChunks;

// Factors and offsets of q4 (packed_layout.h), one output a lane.
struct Levels {
  IntVector factors;
  IntVector offsets;
};

// `levels`: those of a block, advanced to the register's outputs.
HWY_INLINE Levels LoadLevels(const std::byte* levels) {
  const IntTag d;
  const hn::Rebind<uint8_t, FloatTag> bytes;
  const auto level = hn::PromoteTo(d, hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(levels)));
  const auto factors = hn::And(level, hn::Set(d, 15));
  const auto zeros = hn::Add(hn::ShiftRight<4>(level), hn::Set(d, kQ4LowestZero));
  return {factors, hn::ShiftRight<1>(hn::Mul(factors, zeros))};
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

using WeightByteTag = hn::Repartition<uint8_t, FloatTag>;
using WeightBytes = hn::Vec<WeightByteTag>;
using WordTag = hn::Repartition<uint16_t, FloatTag>;

// Weights of q8 as they are kept. `from`: the first block, advanced to the register's outputs.
template <size_t kChunks>
HWY_INLINE void LoadChunks(const uint8_t* from, WeightBytes (&chunk)[kChunks]) {
  HWY_UNROLL(16)
  for (size_t c = 0; c < kChunks; ++c) {
    chunk[c] = hn::LoadU(WeightByteTag(), from + c * kChunkBytes);
  }
}

#endif

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
