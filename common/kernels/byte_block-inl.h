// What blocks of packed weights and their headers are, to packing and to the byte products of every
// instruction set. Private to common/kernels; compiled once per instruction set.
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

// What codes of q8 and q4 stand for: a code is the lower exponent and the upper mantissa bits of an
// f32 below 2.
constexpr int32_t kScaleBase = (127 - 15) << 23;  // the bits of code 0's scale
HWY_INLINE FloatVector ScalesOfCodes(IntVector codes) {
  const IntTag d;
  return hn::BitCast(FloatTag(), hn::Add(hn::ShiftLeft<19>(codes), hn::Set(d, kScaleBase)));
}

// Bytes of a header, one output a lane. `from`: advanced to the register's first output.
HWY_INLINE IntVector LoadHeader(const std::byte* from) {
  const hn::Rebind<uint8_t, FloatTag> bytes;
  return hn::PromoteTo(IntTag(), hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(from)));
}

#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || HWY_TARGET == HWY_NEON

using WeightByteTag = hn::Repartition<uint8_t, FloatTag>;
using WeightBytes = hn::Vec<WeightByteTag>;
using WeightWordTag = hn::Repartition<uint16_t, FloatTag>;
using Words = hn::Vec<WeightWordTag>;

// Factors and offsets of q4 (packed_layout.h), in both halves of their output's lane.
struct Levels {
  Words factors;
  Words offsets;
};

// `levels`: those of a block, advanced to the register's outputs.
HWY_INLINE Levels LoadLevels(const std::byte* levels) {
  const WeightWordTag d;
  const IntVector level = LoadHeader(levels);
  const auto twice = hn::BitCast(d, hn::Or(level, hn::ShiftLeft<16>(level)));
  const auto factors = hn::And(twice, hn::Set(d, 15));
  const auto zeros = hn::Add(hn::ShiftRight<4>(twice), hn::Set(d, kQ4LowestZero));
  return {factors, hn::ShiftRight<1>(hn::Mul(factors, zeros))};
}

// Offsets of two blocks, in the two halves of their output's lane.
HWY_INLINE Words PairOffsets(const Levels& first, const Levels& second) {
  return hn::OddEven(second.offsets, first.offsets);
}

// Words below 256, in both of their bytes.
HWY_INLINE WeightBytes InBothBytes(Words words) {
  return hn::BitCast(WeightByteTag(), hn::Or(words, hn::ShiftLeft<8>(words)));
}

#endif

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
