// The products of byte_dot-inl.h with NEON, with and without byte products (dotprod).
//
// Included by it alone, once for each set, hence without a guard.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// What each weight is worth.
template <DType kType>
struct BlockWeights {
  int8x16_t chunk[kBlockChunks];
};

// `from`: the block, advanced to the register's outputs; `levels`: its levels, of q4.
template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, const std::byte* levels,
                                 BlockWeights<kType>& weights) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  if constexpr (kType == DType::kQ4) {
    const Levels level = LoadLevels(levels);
    const uint8x16_t factors = InBothBytes(level.factors).raw;
    const uint8x16_t offsets = InBothBytes(level.offsets).raw;
    HWY_UNROLL(4)
    for (size_t c = 0; c < kBlockChunks; c += 2) {
      const uint8x16_t both = vld1q_u8(bytes + c / 2 * kChunkBytes);
      const uint8x16_t low = vmulq_u8(vandq_u8(both, vdupq_n_u8(15)), factors);
      const uint8x16_t high = vmulq_u8(vshrq_n_u8(both, 4), factors);
      weights.chunk[c] = vreinterpretq_s8_u8(vsubq_u8(low, offsets));
      weights.chunk[c + 1] = vreinterpretq_s8_u8(vsubq_u8(high, offsets));
    }
  } else {
    HWY_UNROLL(8)
    for (size_t c = 0; c < kBlockChunks; ++c) {
      const uint8x16_t chunk = vld1q_u8(bytes + c * kChunkBytes);
      weights.chunk[c] = vreinterpretq_s8_u8(veorq_u8(chunk, vdupq_n_u8(128)));
    }
  }
}

#ifdef __ARM_FEATURE_DOTPROD

// sum += sixteen weights in four chunks times the sixteen bytes at x, in each lane.
HWY_INLINE int32x4_t AddSixteenProducts(int32x4_t sum, const int8x16_t* chunk, const int8_t* x) {
  const int8x16_t sixteen = vld1q_s8(x);
  sum = vdotq_laneq_s32(sum, chunk[0], sixteen, 0);
  sum = vdotq_laneq_s32(sum, chunk[1], sixteen, 1);
  sum = vdotq_laneq_s32(sum, chunk[2], sixteen, 2);
  return vdotq_laneq_s32(sum, chunk[3], sixteen, 3);
}

#else

// The same in steps: two products of 128 and 127 fit 16 bits.
HWY_INLINE int32x4_t AddSixteenProducts(int32x4_t sum, const int8x16_t* chunk, const int8_t* x) {
  HWY_UNROLL(4)
  for (size_t c = 0; c < 4; ++c) {
    int32_t bytes = 0;
    std::memcpy(&bytes, x + 4 * c, sizeof(bytes));
    const int8x16_t four = vreinterpretq_s8_s32(vdupq_n_s32(bytes));
    const int16x8_t low = vmull_s8(vget_low_s8(chunk[c]), vget_low_s8(four));
    const int16x8_t high = vmull_s8(vget_high_s8(chunk[c]), vget_high_s8(four));
    sum = vpadalq_s16(sum, vpaddq_s16(low, high));
  }
  return sum;
}

#endif  // __ARM_FEATURE_DOTPROD

template <DType kType>
HWY_INLINE int32x4_t AddBlockDot(int32x4_t sum, const BlockWeights<kType>& weights,
                                 const int8_t* x) {
  sum = AddSixteenProducts(sum, weights.chunk, x);
  return AddSixteenProducts(sum, weights.chunk + kBlockChunks / 2, x + kBlockInputs / 2);
}

// x: 32 bytes. Their sum is not needed here.
HWY_INLINE IntVector Q8BlockDot(const BlockWeights<DType::kQ8>& weights, const int8_t* x,
                                int32_t /*minus_sum*/) {
  return IntVector(AddBlockDot(vdupq_n_s32(0), weights, x));
}

HWY_INLINE void AddQ4BlockDot(const BlockWeights<DType::kQ4>& weights, const int8_t* x,
                              IntVector& sum) {
  sum = IntVector(AddBlockDot(sum.raw, weights, x));
}

// Taken off the weights already.
struct HalfOffsets {
  HWY_INLINE void Load(const std::byte* /*levels*/) {}
  HWY_INLINE void AddTo(IntVector& /*sum*/, int32_t /*minus_pair*/) const {}
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
