// GroupDots: 64 weights, less their zero points, of several outputs times 64 activation bytes of
// some rows, exactly, in integers, each block of 32 for itself.
//
// One register of outputs at a time; each has its own 32-bit lane. Results of q4 count eighths, as
// its zero points do. They are integers below 2^20 in magnitude, the same by every instruction set.
// Private to common/kernels; compiled once per instruction set.
//
// The instruction sets' files each define BlockWeights and LoadBlockWeights, and either GroupDots
// or BlockDots, of one block.
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

// x: kRows rows of 64 bytes; minus_sums: of their bytes, two a row.
template <DType kType, size_t kRows>
HWY_INLINE void GroupDots(const BlockWeights<kType> (&weights)[kGroupBlocks], const int8_t* x,
                          const int32_t* minus_sums, IntVector (&dots)[kGroupBlocks][kRows]) {
  HWY_UNROLL(2)
  for (size_t b = 0; b < kGroupBlocks; ++b) {
    BlockDots<kType>(weights[b], x + b * kBlockInputs, minus_sums + b, dots[b]);
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

#endif  // per target
