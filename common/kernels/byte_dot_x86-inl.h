// BlockDots (byte_dot-inl.h) with AVX2 and AVX-512, without byte products.
//
// Included by it alone, once for each set, hence without a guard.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

HWY_INLINE WeightBytes LowHalves(WeightBytes bytes) {
  return hn::And(bytes, hn::Set(WeightByteTag(), 0x0F));
}

template <int kBits>
HWY_INLINE WeightBytes ShiftedRight(WeightBytes bytes) {
  const WeightByteTag d;
  const hn::Repartition<uint16_t, WeightByteTag> d16;
  return hn::BitCast(d, hn::ShiftRight<kBits>(hn::BitCast(d16, bytes)));
}

// Weights as they are, and zero points in units of BlockDots' results. Four products of a weight
// below 16 fit 16 bits.
template <DType kType>
struct BlockWeights {
  WeightBytes chunk[kBlockChunks];
  IntVector zero;
};

// `from`: the block, advanced to the register's outputs; `zeros`: their codes, of q4.
template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, const std::byte* zeros,
                                 BlockWeights<kType>& weights) {
  const WeightByteTag d;
  weights.zero = ZeroPoints<kType>(zeros);
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  if constexpr (kType == DType::kQ4) {
    HWY_UNROLL(4)
    for (size_t c = 0; c < kBlockChunks; c += 2) {
      const WeightBytes both = hn::LoadU(d, bytes + c / 2 * kChunkBytes);
      weights.chunk[c] = LowHalves(both);
      weights.chunk[c + 1] = LowHalves(ShiftedRight<4>(both));
    }
  } else {
    LoadChunks(bytes, weights.chunk);
  }
}

HWY_INLINE int32_t FourBytes(const int8_t* from) {
  int32_t four = 0;
  std::memcpy(&four, from, sizeof(four));
  return four;
}

// Sums of two products, 16 bits each. Weights up to 15 leave room to add four of them.
HWY_INLINE auto PairProducts(WeightBytes weights, const int8_t* x) {
  const hn::Repartition<int16_t, FloatTag> d16;
#if HWY_TARGET == HWY_AVX3
  const __m512i four = _mm512_set1_epi32(FourBytes(x));
  return hn::Vec<decltype(d16)>{_mm512_maddubs_epi16(weights.raw, four)};
#else
  const __m256i four = _mm256_set1_epi32(FourBytes(x));
  return hn::Vec<decltype(d16)>{_mm256_maddubs_epi16(weights.raw, four)};
#endif
}

template <class V16>
HWY_INLINE IntVector AddPairs(V16 pairs) {
#if HWY_TARGET == HWY_AVX3
  return IntVector{_mm512_madd_epi16(pairs.raw, _mm512_set1_epi16(1))};
#else
  return IntVector{_mm256_madd_epi16(pairs.raw, _mm256_set1_epi16(1))};
#endif
}

// `Take` picks the bits of a chunk, at most four.
template <class Take>
HWY_INLINE IntVector NibbleDot(const WeightBytes (&chunk)[kBlockChunks], const int8_t* x,
                               const Take& take) {
  auto first = PairProducts(take(chunk[0]), x);
  auto second = PairProducts(take(chunk[4]), x + 16);
  HWY_UNROLL(3)
  for (size_t c = 1; c < 4; ++c) {
    first = hn::Add(first, PairProducts(take(chunk[c]), x + 4 * c));
    second = hn::Add(second, PairProducts(take(chunk[c + 4]), x + 16 + 4 * c));
  }
  return hn::Add(AddPairs(first), AddPairs(second));
}

// a * b, where both fit 16 bits and a is not negative.
HWY_INLINE IntVector MultiplySmall(IntVector a, IntVector b) {
#if HWY_TARGET <= HWY_AVX3
  return IntVector{_mm512_madd_epi16(a.raw, b.raw)};
#else
  return IntVector{_mm256_madd_epi16(a.raw, b.raw)};
#endif
}

// x: kRows rows of 32 bytes, 64 apart; minus_sums: of their bytes, two apart.
template <DType kType, size_t kRows>
HWY_INLINE void BlockDots(const BlockWeights<kType>& weights, const int8_t* x,
                          const int32_t* minus_sums, IntVector (&dots)[kRows]) {
  const auto as_they_are = [](WeightBytes bytes) { return bytes; };
  HWY_UNROLL(4)
  for (size_t r = 0; r < kRows; ++r) {
    const int8_t* const row = x + r * kGroupInputs;
    const IntVector offset =
        MultiplySmall(weights.zero, hn::Set(IntTag(), minus_sums[r * kGroupBlocks]));
    if constexpr (kType == DType::kQ4) {
      const IntVector sum = NibbleDot(weights.chunk, row, as_they_are);
      dots[r] = hn::Add(hn::ShiftLeft<3>(sum), offset);
    } else {
      // 255 * 127 twice does not fit 16 bits: the halves of the weights one after the other.
      const IntVector low = NibbleDot(weights.chunk, row, LowHalves);
      const IntVector high = NibbleDot(
          weights.chunk, row, [](WeightBytes bytes) { return LowHalves(ShiftedRight<4>(bytes)); });
      dots[r] = hn::Add(hn::Add(low, hn::ShiftLeft<4>(high)), offset);
    }
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
