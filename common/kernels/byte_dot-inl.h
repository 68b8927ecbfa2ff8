// BlockDots: 32 weights, less their zero points, of several outputs times 32 activation bytes of
// some rows, exactly, in integers.
//
// One register of outputs at a time; each has its own 32-bit lane. Results of q4 count eighths, as
// its zero points do. They are integers below 2^20 in magnitude, the same by every instruction set.
// Private to common/kernels; compiled once per instruction set.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/lanes-inl.h"
#include "common/tensor/packed_layout.h"

#if defined(WINDROSE_KERNELS_BYTE_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BYTE_DOT_INL_H_
#undef WINDROSE_KERNELS_BYTE_DOT_INL_H_
#else
#define WINDROSE_KERNELS_BYTE_DOT_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<FloatTag>;
using IntVector = hn::Vec<IntTag>;
constexpr size_t kChunkBytes = 64;                  // four inputs of sixteen outputs
constexpr size_t kBlockChunks = kBlockInputs / 4;   // of unpacked weights
constexpr size_t kVectorBytes = kVectorFloats * 4;  // of one chunk in a register

// Zero points in units of BlockDots' results; `zeros`: the codes of q4.
template <DType kType>
HWY_INLINE IntVector ZeroPoints([[maybe_unused]] const std::byte* zeros) {
  if constexpr (kType == DType::kQ8) return hn::Set(IntTag(), 128);
  const hn::Rebind<uint8_t, FloatTag> bytes;
  return hn::PromoteTo(IntTag(), hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(zeros)));
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

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

#elif HWY_TARGET == HWY_NEON

// Each weight less its zero point, in eighths for q4: from -127 to 127.
template <DType kType>
struct BlockWeights {
  int8x16_t chunk[kBlockChunks];
};

// The zero point of its output in each byte of a lane.
HWY_INLINE uint8x16_t ZeroCodes(const std::byte* zeros) {
  return vreinterpretq_u8_u32(
      vmulq_n_u32(vreinterpretq_u32_s32(ZeroPoints<DType::kQ4>(zeros).raw), 0x01010101));
}

// `from`: the block, advanced to the register's outputs; `zeros`: their codes, of q4.
template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, const std::byte* zeros,
                                 BlockWeights<kType>& weights) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  if constexpr (kType == DType::kQ4) {
    const uint8x16_t codes = ZeroCodes(zeros);
    HWY_UNROLL(4)
    for (size_t c = 0; c < kBlockChunks; c += 2) {
      const uint8x16_t both = vld1q_u8(bytes + c / 2 * kChunkBytes);
      const uint8x16_t low = vshrq_n_u8(vshlq_n_u8(both, 4), 1);
      const uint8x16_t high = vshlq_n_u8(vshrq_n_u8(both, 4), 3);
      weights.chunk[c] = vreinterpretq_s8_u8(vsubq_u8(low, codes));
      weights.chunk[c + 1] = vreinterpretq_s8_u8(vsubq_u8(high, codes));
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

// The same in steps: two products of 127 and 127 fit 16 bits.
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

// x: kRows rows of 32 bytes. The sums of their bytes are not needed here.
template <DType kType, size_t kRows>
HWY_INLINE void BlockDots(const BlockWeights<kType>& weights, const int8_t* x,
                          const int32_t* /*minus_sums*/, IntVector (&dots)[kRows]) {
  HWY_UNROLL(4)
  for (size_t r = 0; r < kRows; ++r) {
    const int8_t* const row = x + r * kBlockInputs;
    const int32x4_t first = AddSixteenProducts(vdupq_n_s32(0), weights.chunk, row);
    dots[r] = IntVector(
        AddSixteenProducts(first, weights.chunk + kBlockChunks / 2, row + kBlockInputs / 2));
  }
}

#else  // neither AVX2, AVX-512 nor NEON: plain code, for the compiler to vectorise

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
        sums[i / 4] += int32_t{weights.chunk[c][i]} * x[r * kBlockInputs + 4 * c + i % 4];
      }
    }
    const IntVector sum = hn::Load(IntTag(), sums);
    const IntVector offset = hn::Mul(weights.zero, hn::Set(IntTag(), minus_sums[r]));
    dots[r] = hn::Add(kType == DType::kQ4 ? hn::ShiftLeft<3>(sum) : sum, offset);
  }
}

#endif  // instruction set

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
