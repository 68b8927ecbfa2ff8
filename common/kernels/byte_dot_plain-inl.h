// The products of byte_dot-inl.h in plain code, for the compiler to vectorise.
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
  int8_t chunk[kBlockChunks][kVectorBytes];
};

template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, const std::byte* levels,
                                 BlockWeights<kType>& weights) {
  for (size_t c = 0; c < kBlockChunks; ++c) {
    for (size_t i = 0; i < kVectorBytes; ++i) {
      if constexpr (kType == DType::kQ4) {
        const Q4Level level = Q4LevelOf(std::to_integer<uint8_t>(levels[i / 4]));
        const auto both = std::to_integer<uint8_t>(from[c / 2 * kChunkBytes + i]);
        const int32_t q = c % 2 == 0 ? both & 15 : both >> 4;
        weights.chunk[c][i] = static_cast<int8_t>(level.factor * q - level.offset);
      } else {
        const auto q = std::to_integer<uint8_t>(from[c * kChunkBytes + i]);
        weights.chunk[c][i] = static_cast<int8_t>(q - 128);
      }
    }
  }
}

template <DType kType>
HWY_INLINE IntVector BlockDot(const BlockWeights<kType>& weights, const int8_t* x) {
  HWY_ALIGN int32_t sums[kVectorFloats] = {};
  for (size_t c = 0; c < kBlockChunks; ++c) {
    for (size_t i = 0; i < kVectorBytes; ++i) {
      sums[i / 4] += int32_t{weights.chunk[c][i]} * x[4 * c + i % 4];
    }
  }
  return hn::Load(IntTag(), sums);
}

// x: 32 bytes. Their sum is not needed here.
HWY_INLINE IntVector Q8BlockDot(const BlockWeights<DType::kQ8>& weights, const int8_t* x,
                                int32_t /*minus_sum*/) {
  return BlockDot(weights, x);
}

HWY_INLINE void AddQ4BlockDot(const BlockWeights<DType::kQ4>& weights, const int8_t* x,
                              IntVector& sum) {
  sum = hn::Add(sum, BlockDot(weights, x));
}

// Taken off the weights already.
struct HalfOffsets {
  HWY_INLINE void Load(const std::byte* /*levels*/) {}
  HWY_INLINE void AddTo(IntVector& /*sum*/, int32_t /*minus_pair*/) const {}
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
