// GroupDots (byte_dot-inl.h) with the byte products of AVX-512 (VNNI).
//
// Included by it alone, once for each set, hence without a guard.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

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
    LoadChunks(bytes, weights.chunk);
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

// x: kRows rows of 64 bytes; minus_sums: of their bytes, two a row. All sums of a group run side by
// side, and those of few rows in two halves, which hides the instruction's latency.
template <DType kType, size_t kRows>
HWY_INLINE void GroupDots(const BlockWeights<kType> (&weights)[kGroupBlocks], const int8_t* x,
                          const int32_t* minus_sums, IntVector (&dots)[kGroupBlocks][kRows]) {
  constexpr size_t kHalves = kRows <= 2 ? 2 : 1;
  constexpr size_t kHalfChunks = kBlockChunks / kHalves;
  __m512i sums[kHalves][kGroupBlocks][kRows];
  HWY_UNROLL(8)
  for (size_t i = 0; i < kGroupBlocks * kRows; ++i) {
    const size_t b = i / kRows;
    const size_t r = i % kRows;
    sums[0][b][r] = _mm512_slli_epi32(_mm512_set1_epi32(minus_sums[r * kGroupBlocks + b]), 7);
    if constexpr (kHalves == 2) sums[1][b][r] = _mm512_setzero_si512();
  }
  HWY_UNROLL(8)
  for (size_t c = 0; c < kBlockChunks; ++c) {
    HWY_UNROLL(8)
    for (size_t i = 0; i < kGroupBlocks * kRows; ++i) {
      const size_t b = i / kRows;
      const size_t r = i % kRows;
      AddFourProducts(sums[c / kHalfChunks][b][r], weights[b].chunk[c],
                      x + r * kGroupInputs + b * kBlockInputs + 4 * c);
    }
  }
  HWY_UNROLL(8)
  for (size_t i = 0; i < kGroupBlocks * kRows; ++i) {
    const size_t b = i / kRows;
    const size_t r = i % kRows;
    dots[b][r].raw =
        kHalves == 2 ? _mm512_add_epi32(sums[0][b][r], sums[kHalves - 1][b][r]) : sums[0][b][r];
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
