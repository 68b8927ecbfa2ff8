// BlockDot: 32 weights of several outputs times 32 activation bytes of one row, exactly, in
// integers.
//
// One register of outputs at a time; each has its own 32-bit lane. The result is an integer below
// 2^24 in magnitude, the same by every instruction set. Private to common/kernels; compiled once
// per instruction set.
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

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

using WeightByteTag = hn::Repartition<uint8_t, FloatTag>;
using WeightBytes = hn::Vec<WeightByteTag>;

HWY_INLINE WeightBytes HighHalves(WeightBytes bytes) {
  const WeightByteTag d;
  const hn::Repartition<uint16_t, WeightByteTag> d16;
  return hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, bytes))), hn::Set(d, 15));
}

HWY_INLINE WeightBytes LowHalves(WeightBytes bytes) {
  return hn::And(bytes, hn::Set(WeightByteTag(), 15));
}

// The unpacked weights of one block, for the outputs of one register.
template <DType kType>
struct BlockWeights {
  WeightBytes chunk[kBlockChunks];
};

// `from`: the block, advanced to the register's outputs.
template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, BlockWeights<kType>& weights) {
  const WeightByteTag d;
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  if constexpr (kType == DType::kQ4) {
    HWY_UNROLL(4)
    for (size_t c = 0; c < kBlockChunks; c += 2) {
      const WeightBytes both = hn::LoadU(d, bytes + c / 2 * kChunkBytes);
      weights.chunk[c] = LowHalves(both);
      weights.chunk[c + 1] = HighHalves(both);
    }
  } else {
    HWY_UNROLL(8)
    for (size_t c = 0; c < kBlockChunks; ++c) {
      weights.chunk[c] = hn::LoadU(d, bytes + c * kChunkBytes);
    }
  }
}

#if HWY_TARGET <= HWY_AVX3_DL

// sum += four weights times the four bytes at x, in each lane. As assembly, because Highway 1.0.3
// compiles this set without the instruction it is named for.
HWY_INLINE void AddFourProducts(__m512i& sum, WeightBytes weights, const int8_t* x) {
  using FourBytes = int32_t __attribute__((may_alias, aligned(1)));
  __asm__("vpdpbusd %2%{1to16%}, %1, %0"
          : "+v"(sum)
          : "v"(weights.raw), "m"(*reinterpret_cast<const FourBytes*>(x)));
}

template <DType kType>
HWY_INLINE IntVector BlockDot(const BlockWeights<kType>& weights, const int8_t* x) {
  __m512i sum = _mm512_setzero_si512();
  HWY_UNROLL(8)
  for (size_t c = 0; c < kBlockChunks; ++c) AddFourProducts(sum, weights.chunk[c], x + 4 * c);
  return IntVector{sum};
}

#else

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

template <DType kType>
HWY_INLINE IntVector BlockDot(const BlockWeights<kType>& weights, const int8_t* x) {
  if constexpr (kType == DType::kQ4) {
    return NibbleDot(weights.chunk, x, [](WeightBytes bytes) { return bytes; });
  } else {
    // 255 * 127 twice does not fit 16 bits: low and high halves of the weights one after the other.
    const IntVector low = NibbleDot(weights.chunk, x, LowHalves);
    const IntVector high = NibbleDot(weights.chunk, x, HighHalves);
    return hn::Add(low, hn::ShiftLeft<4>(high));
  }
}

#endif  // VNNI

#else  // neither AVX2 nor AVX-512: plain code, for the compiler to vectorise

template <DType kType>
struct BlockWeights {
  uint8_t chunk[kBlockChunks][kVectorBytes];
};

template <DType kType>
HWY_INLINE void LoadBlockWeights(const std::byte* from, BlockWeights<kType>& weights) {
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

#endif  // x86

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
