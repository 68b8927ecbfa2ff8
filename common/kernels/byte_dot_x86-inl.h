// BlockDots (byte_dot-inl.h) with AVX2 and AVX-512, with and without VNNI.
//
// Included by it alone, once for each set, hence without a guard.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using WeightByteTag = hn::Repartition<uint8_t, FloatTag>;
using WeightBytes = hn::Vec<WeightByteTag>;

HWY_INLINE WeightBytes LowHalves(WeightBytes bytes) {
  return hn::And(bytes, hn::Set(WeightByteTag(), 0x0F));
}

template <int kBits>
HWY_INLINE WeightBytes ShiftedRight(WeightBytes bytes) {
  const WeightByteTag d;
  const hn::Repartition<uint16_t, WeightByteTag> d16;
  return hn::BitCast(d, hn::ShiftRight<kBits>(hn::BitCast(d16, bytes)));
}

#if HWY_TARGET <= HWY_AVX3_DL

// Each weight and 128, less its zero point, in eighths for q4: from 1 to 255.
template <DType kType>
struct BlockWeights {
  WeightBytes chunk[kBlockChunks];
};

// 128 less the zero point of its output in each byte of a lane.
HWY_INLINE WeightBytes ZeroOffsets(const std::byte* zeros) {
  const WeightByteTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  const hn::Rebind<uint8_t, FloatTag> narrow;
  const auto codes = hn::PromoteTo(du, hn::LoadU(narrow, reinterpret_cast<const uint8_t*>(zeros)));
  const auto pairs = hn::Or(codes, hn::ShiftLeft<8>(codes));
  const auto four = hn::Or(pairs, hn::ShiftLeft<16>(pairs));
  return hn::Sub(hn::Set(d, 128), hn::BitCast(d, four));
}

// `from`: the block, advanced to the register's outputs; `zeros`: their codes, of q4.
template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, const std::byte* zeros,
                                 BlockWeights<kType>& weights) {
  const WeightByteTag d;
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  if constexpr (kType == DType::kQ4) {
    const WeightBytes offsets = ZeroOffsets(zeros);
    const hn::Repartition<uint16_t, WeightByteTag> d16;
    const WeightBytes mask = hn::Set(d, 15 << 3);
    HWY_UNROLL(4)
    for (size_t c = 0; c < kBlockChunks; c += 2) {
      const auto both = hn::BitCast(d16, hn::LoadU(d, bytes + c / 2 * kChunkBytes));
      const auto low = hn::And(hn::BitCast(d, hn::ShiftLeft<3>(both)), mask);
      const auto high = hn::And(hn::BitCast(d, hn::ShiftRight<1>(both)), mask);
      weights.chunk[c] = hn::Add(low, offsets);
      weights.chunk[c + 1] = hn::Add(high, offsets);
    }
  } else {
    HWY_UNROLL(8)
    for (size_t c = 0; c < kBlockChunks; ++c) {
      weights.chunk[c] = hn::LoadU(d, bytes + c * kChunkBytes);
    }
  }
}

// sum += four weights times the four bytes at x, in each lane. As assembly, because Highway 1.0.3
// compiles this set without the instruction it is named for.
HWY_INLINE void AddFourProducts(__m512i& sum, WeightBytes weights, const int8_t* x) {
  using FourBytes = int32_t __attribute__((may_alias, aligned(1)));
  __asm__ volatile("vpdpbusd %2%{1to16%}, %1, %0"
                   : "+v"(sum)
                   : "v"(weights.raw), "m"(*reinterpret_cast<const FourBytes*>(x)));
}

// x: kRows rows of 32 bytes; minus_sums: of their bytes. Sums of few rows run in two halves, which
// hides more of the instruction's latency.
template <DType kType, size_t kRows>
HWY_INLINE void BlockDots(const BlockWeights<kType>& weights, const int8_t* x,
                          const int32_t* minus_sums, IntVector (&dots)[kRows]) {
  constexpr size_t kHalves = kRows <= 2 ? 2 : 1;
  constexpr size_t kHalfChunks = kBlockChunks / kHalves;
  __m512i sums[kHalves][kRows];
  HWY_UNROLL(4)
  for (size_t r = 0; r < kRows; ++r) {
    sums[0][r] = _mm512_slli_epi32(_mm512_set1_epi32(minus_sums[r]), 7);
    if constexpr (kHalves == 2) sums[1][r] = _mm512_setzero_si512();
  }
  HWY_UNROLL(8)
  for (size_t c = 0; c < kBlockChunks; ++c) {
    HWY_UNROLL(4)
    for (size_t r = 0; r < kRows; ++r) {
      AddFourProducts(sums[c / kHalfChunks][r], weights.chunk[c], x + r * kBlockInputs + 4 * c);
    }
  }
  HWY_UNROLL(4)
  for (size_t r = 0; r < kRows; ++r) {
    dots[r].raw = kHalves == 2 ? _mm512_add_epi32(sums[0][r], sums[kHalves - 1][r]) : sums[0][r];
  }
}

#else

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
    HWY_UNROLL(8)
    for (size_t c = 0; c < kBlockChunks; ++c) {
      weights.chunk[c] = hn::LoadU(d, bytes + c * kChunkBytes);
    }
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

// x: kRows rows of 32 bytes; minus_sums: of their bytes.
template <DType kType, size_t kRows>
HWY_INLINE void BlockDots(const BlockWeights<kType>& weights, const int8_t* x,
                          const int32_t* minus_sums, IntVector (&dots)[kRows]) {
  const auto as_they_are = [](WeightBytes bytes) { return bytes; };
  HWY_UNROLL(4)
  for (size_t r = 0; r < kRows; ++r) {
    const int8_t* const row = x + r * kBlockInputs;
    const IntVector offset = MultiplySmall(weights.zero, hn::Set(IntTag(), minus_sums[r]));
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

#endif  // VNNI

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
