// BlockDots (byte_dot-inl.h) in plain code, for the compiler to vectorise.
//
// Included by it alone, once for each set, hence without a guard.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

template <DType kType>
struct BlockWeights {
  uint8_t chunk[kBlockChunks][kVectorBytes];
  IntVector zero;
};

template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, const std::byte* zeros,
                                 BlockWeights<kType>& weights) {
  weights.zero = ZeroPoints<kType>(zeros);
  for (size_t c = 0; c < kBlockChunks; ++c) {
    for (size_t i = 0; i < kVectorBytes; ++i) {
      if constexpr (kType == DType::kQ4) {
        const auto both = std::to_integer<uint8_t>(from[c / 2 * kChunkBytes + i]);
        weights.chunk[c][i] = c % 2 == 0 ? both & 15 : both >> 4;
      } else {
        weights.chunk[c][i] = std::to_integer<uint8_t>(from[c * kChunkBytes + i]);
      }
    }
  }
}

template <DType kType, size_t kRows>
HWY_INLINE void BlockDots(const BlockWeights<kType>& weights, const int8_t* x,
                          const int32_t* minus_sums, IntVector (&dots)[kRows]) {
  for (size_t r = 0; r < kRows; ++r) {
    HWY_ALIGN int32_t sums[kVectorFloats] = {};
    for (size_t c = 0; c < kBlockChunks; ++c) {
      for (size_t i = 0; i < kVectorBytes; ++i) {
        sums[i / 4] += int32_t{weights.chunk[c][i]} * x[r * kGroupInputs + 4 * c + i % 4];
      }
    }
    const IntVector sum = hn::Load(IntTag(), sums);
    const IntVector offset = hn::Mul(weights.zero, hn::Set(IntTag(), minus_sums[r * kGroupBlocks]));
    dots[r] = hn::Add(kType == DType::kQ4 ? hn::ShiftLeft<3>(sum) : sum, offset);
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
