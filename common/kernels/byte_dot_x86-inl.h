// The products of byte_dot-inl.h with AVX2 and AVX-512, without byte products.
//
// Included by it alone, once for each set, hence without a guard.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using SignedWordTag = hn::Repartition<int16_t, FloatTag>;
using WordVector = hn::Vec<SignedWordTag>;

HWY_INLINE WeightBytes LowHalves(WeightBytes bytes) {
  return hn::And(bytes, hn::Set(WeightByteTag(), 0x0F));
}

HWY_INLINE WeightBytes UpperHalves(WeightBytes bytes) {
  const auto shifted = hn::ShiftRight<4>(hn::BitCast(WeightWordTag(), bytes));
  return LowHalves(hn::BitCast(WeightByteTag(), shifted));
}

// Numbers of four bits: eight sums of two products of them fit 16 bits. What makes them what they
// are worth is done to sums.
template <DType kType>
struct BlockWeights;

template <>
struct BlockWeights<DType::kQ4> {
  WeightBytes chunk[kBlockChunks];
  WordVector factors;
};

// 255 * 127 twice would not fit: lower and upper halves one after the other.
template <>
struct BlockWeights<DType::kQ8> {
  WeightBytes low[kBlockChunks];
  WeightBytes high[kBlockChunks];
};

// `from`: the block, advanced to the register's outputs; `levels`: its levels, of q4.
template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, const std::byte* levels,
                                 BlockWeights<kType>& weights) {
  const WeightByteTag d;
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  if constexpr (kType == DType::kQ4) {
    weights.factors = hn::BitCast(SignedWordTag(), LoadLevels(levels).factors);
    HWY_UNROLL(4)
    for (size_t c = 0; c < kBlockChunks; c += 2) {
      const WeightBytes both = hn::LoadU(d, bytes + c / 2 * kChunkBytes);
      weights.chunk[c] = LowHalves(both);
      weights.chunk[c + 1] = UpperHalves(both);
    }
  } else {
    HWY_UNROLL(8)
    for (size_t c = 0; c < kBlockChunks; ++c) {
      const WeightBytes whole = hn::LoadU(d, bytes + c * kChunkBytes);
      weights.low[c] = LowHalves(whole);
      weights.high[c] = UpperHalves(whole);
    }
  }
}

HWY_INLINE int32_t FourBytes(const int8_t* from) {
  int32_t four = 0;
  std::memcpy(&four, from, sizeof(four));
  return four;
}

// Sums of two products, 16 bits each.
HWY_INLINE WordVector PairProducts(WeightBytes weights, const int8_t* x) {
#if HWY_TARGET == HWY_AVX3
  return WordVector{_mm512_maddubs_epi16(weights.raw, _mm512_set1_epi32(FourBytes(x)))};
#else
  return WordVector{_mm256_maddubs_epi16(weights.raw, _mm256_set1_epi32(FourBytes(x)))};
#endif
}

// Both 16-bit numbers of a lane, each times its factor.
HWY_INLINE IntVector AddPairs(WordVector pairs, WordVector factors) {
#if HWY_TARGET == HWY_AVX3
  return IntVector{_mm512_madd_epi16(pairs.raw, factors.raw)};
#else
  return IntVector{_mm256_madd_epi16(pairs.raw, factors.raw)};
#endif
}

HWY_INLINE WordVector NibbleDot(const WeightBytes (&chunk)[kBlockChunks], const int8_t* x) {
  auto even = PairProducts(chunk[0], x);
  auto odd = PairProducts(chunk[1], x + 4);
  HWY_UNROLL(3)
  for (size_t c = 2; c < kBlockChunks; c += 2) {
    even = hn::Add(even, PairProducts(chunk[c], x + 4 * c));
    odd = hn::Add(odd, PairProducts(chunk[c + 1], x + 4 * c + 4));
  }
  return hn::Add(even, odd);
}

// x: 32 bytes; minus_sum: of them.
HWY_INLINE IntVector Q8BlockDot(const BlockWeights<DType::kQ8>& weights, const int8_t* x,
                                int32_t minus_sum) {
  const SignedWordTag d;
  const IntVector low = AddPairs(NibbleDot(weights.low, x), hn::Set(d, 1));
  const IntVector high = AddPairs(NibbleDot(weights.high, x), hn::Set(d, 16));
  const IntVector offset = hn::ShiftLeft<7>(hn::Set(IntTag(), minus_sum));
  return hn::Add(hn::Add(low, high), offset);
}

// But for the offset.
HWY_INLINE void AddQ4BlockDot(const BlockWeights<DType::kQ4>& weights, const int8_t* x,
                              IntVector& sum) {
  sum = hn::Add(sum, AddPairs(NibbleDot(weights.chunk, x), weights.factors));
}

// Those of both blocks at once.
struct HalfOffsets {
  WordVector offsets;

  HWY_INLINE void Load(const std::byte* levels) {
    const Words pair = PairOffsets(LoadLevels(levels), LoadLevels(levels + kPanelOutputs));
    offsets = hn::BitCast(SignedWordTag(), pair);
  }
  HWY_INLINE void AddTo(IntVector& sum, int32_t minus_pair) const {
    const auto minus_sums = hn::BitCast(SignedWordTag(), hn::Set(IntTag(), minus_pair));
    sum = hn::Add(sum, AddPairs(minus_sums, offsets));
  }
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
