// Products of 64 weights, half a group, of several outputs with activation bytes of some rows,
// exactly, in integers: of each block of q8 for itself, of both blocks of q4 together.
//
// One register of outputs at a time; each has its own 32-bit lane. Results are integers below 2^22
// in magnitude, the same by every instruction set. Private to common/kernels; compiled once per
// instruction set.
//
// The instruction sets' files each define
//   HalfWeights<kType>    the weights, as the products want them
//   LoadHalf              fills it
//   Q4Start               where the sums of a group of q4 begin
//   CodedHalf             another form of HalfWeights<kQ4>, for few rows, which may be the same
//   Q8Dots, AddQ4Dots     the products, asking for weights that are `ahead` between them
// or, of one block and one row, BlockWeights, LoadBlockWeights, Q8BlockDot and AddQ4BlockDot, with
// HalfOffsets for what is left of q4's offsets. Then q8 goes by blocks, without HalfWeights or
// Q8Dots.
#include "hwy/highway.h"

#if defined(WINDROSE_KERNELS_BYTE_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BYTE_DOT_INL_H_
#undef WINDROSE_KERNELS_BYTE_DOT_INL_H_
#else
#define WINDROSE_KERNELS_BYTE_DOT_INL_H_
#endif

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#include "common/kernels/byte_dot_vnni-inl.h"
#else

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#include "common/kernels/byte_dot_x86-inl.h"
#elif HWY_TARGET == HWY_NEON
#include "common/kernels/byte_dot_neon-inl.h"
#else
#include "common/kernels/byte_dot_plain-inl.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

template <DType kType>
struct HalfWeights;

template <>
struct HalfWeights<DType::kQ4> {
  BlockWeights<DType::kQ4> block[kHalfBlocks];
  HalfOffsets offsets;
};

using CodedHalf = HalfWeights<DType::kQ4>;

// `from`: the first block, advanced to the register's outputs; `levels`: its levels.
HWY_INLINE void LoadHalf(const std::byte* from, const std::byte* levels,
                         HalfWeights<DType::kQ4>& half) {
  HWY_UNROLL(2)
  for (size_t b = 0; b < kHalfBlocks; ++b) {
    LoadBlockWeights<DType::kQ4>(from + b * PackedBlockBytes(DType::kQ4),
                                 levels + b * kPanelOutputs, half.block[b]);
  }
  half.offsets.Load(levels);
}

HWY_INLINE IntVector Q4Start(const HalfWeights<DType::kQ4>& /*half*/,
                             const int32_t* /*minus_sums*/) {
  return hn::Zero(IntTag());
}

template <class Ahead>
HWY_INLINE void AskDuringBlock(const Ahead& ahead, size_t block) {
  HWY_UNROLL(8)
  for (size_t c = 0; c < kBlockChunks; ++c) ahead.AskDuring(block * kBlockChunks + c);
}

// x: the half's 64 bytes of kRows rows, 128 apart; minus_sums: the half's, kGroupSums apart.
template <size_t kRows, class Ahead>
HWY_INLINE void AddQ4Dots(const HalfWeights<DType::kQ4>& half, const int8_t* x,
                          const int32_t* minus_sums, const Ahead& ahead, IntVector (&sums)[kRows]) {
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    half.offsets.AddTo(sums[r], minus_sums[r * kGroupSums + kPairSum]);
  }
  HWY_UNROLL(2)
  for (size_t b = 0; b < kHalfBlocks; ++b) {
    AskDuringBlock(ahead, b);
    HWY_UNROLL(8)
    for (size_t r = 0; r < kRows; ++r) {
      AddQ4BlockDot(half.block[b], x + r * kGroupInputs + b * kBlockInputs, sums[r]);
    }
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

#endif  // per target
