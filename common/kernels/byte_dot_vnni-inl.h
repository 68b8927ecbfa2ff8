// The products of byte_dot-inl.h with the byte products of AVX-512 (VNNI).
//
// Included by it alone, once for each set, hence without a guard.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// What each weight is worth, and as much more as it was loaded with.
template <DType kType>
struct HalfWeights {
  WeightBytes chunk[kHalfChunks];
};

// `from`: the first block; `levels`: its levels, of q4. Weights become kRaised more than they are
// worth: 128, so that they go from 0 to 255 as these products want them, or 0.
template <DType kType, uint8_t kRaised = 128>
HWY_INLINE void LoadHalf(const std::byte* from, const std::byte* levels, HalfWeights<kType>& half) {
  const WeightByteTag d;
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  if constexpr (kType == DType::kQ8) {  // kept 128 higher
    HWY_UNROLL(16)
    for (size_t c = 0; c < kHalfChunks; ++c) {
      const WeightBytes kept = hn::LoadU(d, bytes + c * kChunkBytes);
      half.chunk[c] = hn::Sub(kept, hn::Set(d, 128 - kRaised));
    }
    return;
  }
  const WeightWordTag d16;
  const auto low_halves = hn::Set(d16, 0x0F0F);
  const auto high_halves = hn::Set(d16, 0xF0F0);
  HWY_UNROLL(2)
  for (size_t b = 0; b < kHalfBlocks; ++b) {
    const Levels level = LoadLevels(levels + b * kPanelOutputs);
    const auto high_factors = hn::ShiftLeft<12>(level.factors);
    const auto raised = hn::Sub(hn::Set(d, kRaised), InBothBytes(level.offsets));
    HWY_UNROLL(4)
    for (size_t c = b * kBlockChunks; c < (b + 1) * kBlockChunks; c += 2) {
      // A factor times 15 fits a byte, so two bytes are multiplied as one word; those in the upper
      // halves as 16 times as much, of which the upper word of the product is a 16th.
      const auto both = hn::BitCast(d16, hn::LoadU(d, bytes + c / 2 * kChunkBytes));
      const auto low = hn::Mul(hn::And(both, low_halves), level.factors);
      const auto high = hn::MulHigh(hn::And(both, high_halves), high_factors);
      half.chunk[c] = hn::Add(hn::BitCast(d, low), raised);
      half.chunk[c + 1] = hn::Add(hn::BitCast(d, high), raised);
    }
  }
}

// Weights of q4 as they are kept, with what makes them what they are worth: for so few rows that
// doing this to their sums is less work than to every weight.
struct CodedHalf {
  WeightBytes chunk[kHalfChunks];  // every other one 16 times as much
  Words factors[kHalfBlocks];
  Words offsets;
};

HWY_INLINE void LoadHalf(const std::byte* from, const std::byte* levels, CodedHalf& half) {
  const WeightByteTag d;
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  HWY_UNROLL(8)
  for (size_t c = 0; c < kHalfChunks; c += 2) {
    const WeightBytes both = hn::LoadU(d, bytes + c / 2 * kChunkBytes);
    half.chunk[c] = hn::And(both, hn::Set(d, 0x0F));
    half.chunk[c + 1] = hn::And(both, hn::Set(d, 0xF0));
  }
  const Levels first = LoadLevels(levels);
  const Levels second = LoadLevels(levels + kPanelOutputs);
  half.factors[0] = first.factors;
  half.factors[1] = second.factors;
  half.offsets = PairOffsets(first, second);
}

// sum += the two 16-bit numbers of a lane of a, each times b's.
HWY_INLINE void AddPairProducts(__m512i& sum, __m512i a, __m512i b) {
  __asm__ volatile("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}

// sum += four weights times the four bytes at x, in each lane. As assembly, because Highway 1.0.3
// compiles this set without the instruction it is named for.
HWY_INLINE void AddFourProducts(__m512i& sum, WeightBytes weights, const int8_t* x) {
  using FourBytes = int32_t __attribute__((may_alias, aligned(1)));
  __asm__ volatile("vpdpbusd %2%{1to16%}, %1, %0"
                   : "+v"(sum)
                   : "v"(weights.raw), "m"(*reinterpret_cast<const FourBytes*>(x)));
}

// Weights are 128 too high.
HWY_INLINE IntVector OffsetOf(int32_t minus_sum) {
  return hn::ShiftLeft<7>(hn::Set(IntTag(), minus_sum));
}

HWY_INLINE IntVector Q4Start(const HalfWeights<DType::kQ4>& /*half*/, const int32_t* minus_sums) {
  return OffsetOf(minus_sums[kWholeSum]);
}
HWY_INLINE IntVector Q4Start(const CodedHalf& /*half*/, const int32_t* /*minus_sums*/) {
  return hn::Zero(IntTag());
}

// sums[s][r] += products of row r with the kChunks chunks of sum s; all of them side by side.
template <size_t kChunks, size_t kSums, size_t kRows, class Ahead>
HWY_INLINE void AddProducts(const WeightBytes (&chunk)[kHalfChunks], const int8_t* x,
                            const Ahead& ahead, __m512i (&sums)[kSums][kRows]) {
  static_assert(kChunks * kSums == kHalfChunks);
  HWY_UNROLL(16)
  for (size_t c = 0; c < kChunks; ++c) {
    HWY_UNROLL(8)
    for (size_t i = 0; i < kSums * kRows; ++i) {
      const size_t at = i / kRows * kChunks + c;
      const size_t r = i % kRows;
      if (r == 0) ahead.AskDuring(c * kSums + i / kRows);
      AddFourProducts(sums[i / kRows][r], chunk[at], x + r * kGroupInputs + 4 * at);
    }
  }
}

// Few rows are cut into more sums, which hides the instruction's latency.
template <size_t kRows, class Ahead>
HWY_INLINE void Q8Dots(const HalfWeights<DType::kQ8>& half, const int8_t* x,
                       const int32_t* minus_sums, const Ahead& ahead,
                       IntVector (&dots)[kHalfBlocks][kRows]) {
  constexpr size_t kParts = kRows <= 2 ? 2 : 1;  // of a block
  __m512i sums[kHalfBlocks * kParts][kRows];
  HWY_UNROLL(8)
  for (size_t i = 0; i < kHalfBlocks * kParts * kRows; ++i) {
    const size_t part = i / kRows;
    const size_t r = i % kRows;
    sums[part][r] = part % kParts == 0 ? OffsetOf(minus_sums[r * kGroupSums + part / kParts]).raw
                                       : _mm512_setzero_si512();
  }
  AddProducts<kBlockChunks / kParts>(half.chunk, x, ahead, sums);
  HWY_UNROLL(8)
  for (size_t i = 0; i < kHalfBlocks * kRows; ++i) {
    const size_t b = i / kRows;
    const size_t r = i % kRows;
    dots[b][r].raw = sums[b * kParts][r];
    if constexpr (kParts == 2) {
      dots[b][r].raw = _mm512_add_epi32(dots[b][r].raw, sums[b * kParts + 1][r]);
    }
  }
}

template <size_t kRows, class Ahead>
HWY_INLINE void AddQ4Dots(const HalfWeights<DType::kQ4>& half, const int8_t* x,
                          const int32_t* /*minus_sums*/, const Ahead& ahead,
                          IntVector (&sums)[kRows]) {
  constexpr size_t kParts = kRows <= 2 ? 4 : kRows <= 4 ? 2 : 1;
  __m512i parts[kParts][kRows];
  HWY_UNROLL(8)
  for (size_t i = 0; i < kParts * kRows; ++i) {
    parts[i / kRows][i % kRows] = i < kRows ? sums[i].raw : _mm512_setzero_si512();
  }
  AddProducts<kHalfChunks / kParts>(half.chunk, x, ahead, parts);
  HWY_UNROLL(8)
  for (size_t i = kRows; i < kParts * kRows; ++i) {
    parts[0][i % kRows] = _mm512_add_epi32(parts[0][i % kRows], parts[i / kRows][i % kRows]);
  }
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) sums[r].raw = parts[0][r];
}

// Both sums of a block fit 16 bits: sixteen products below 15 * 128.
template <size_t kRows, class Ahead>
HWY_INLINE void AddQ4Dots(const CodedHalf& half, const int8_t* x, const int32_t* minus_sums,
                          const Ahead& ahead, IntVector (&sums)[kRows]) {
  __m512i parts[2 * kHalfBlocks][kRows];  // of a block: its lower halves, and its upper ones
  HWY_UNROLL(16)
  for (size_t i = 0; i < 2 * kHalfBlocks * kRows; ++i) {
    parts[i / kRows][i % kRows] = _mm512_setzero_si512();
  }
  HWY_UNROLL(16)
  for (size_t c = 0; c < kHalfChunks; ++c) {
    ahead.AskDuring(c);
    HWY_UNROLL(2)
    for (size_t r = 0; r < kRows; ++r) {
      AddFourProducts(parts[c / kBlockChunks * 2 + c % 2][r], half.chunk[c],
                      x + r * kGroupInputs + 4 * c);
    }
  }
  HWY_UNROLL(4)
  for (size_t i = 0; i < kHalfBlocks * kRows; ++i) {
    const size_t b = i / kRows;
    const size_t r = i % kRows;
    const IntVector low = hn::And(IntVector{parts[2 * b][r]}, hn::Set(IntTag(), 0xFFFF));
    const IntVector high = hn::ShiftLeft<12>(IntVector{parts[2 * b + 1][r]});
    AddPairProducts(sums[r].raw, hn::Or(low, high).raw, half.factors[b].raw);
  }
  HWY_UNROLL(2)
  for (size_t r = 0; r < kRows; ++r) {
    const IntVector pair = hn::Set(IntTag(), minus_sums[r * kGroupSums + kPairSum]);
    AddPairProducts(sums[r].raw, pair.raw, half.offsets.raw);
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
