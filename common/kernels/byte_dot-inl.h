// BlockDots: 32 weights, less their zero points, of several outputs times 32 activation bytes of
// some rows, exactly, in integers.
//
// One register of outputs at a time; each has its own 32-bit lane. Results of q4 count eighths, as
// its zero points do. They are integers below 2^20 in magnitude, the same by every instruction set.
// Private to common/kernels; compiled once per instruction set.
//
// The instruction sets' files each define BlockWeights, LoadBlockWeights and BlockDots.
#include "hwy/highway.h"

#if defined(WINDROSE_KERNELS_BYTE_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BYTE_DOT_INL_H_
#undef WINDROSE_KERNELS_BYTE_DOT_INL_H_
#else
#define WINDROSE_KERNELS_BYTE_DOT_INL_H_
#endif

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#include "common/kernels/byte_dot_x86-inl.h"
#elif HWY_TARGET == HWY_NEON
#include "common/kernels/byte_dot_neon-inl.h"
#else
#include "common/kernels/byte_dot_plain-inl.h"
#endif

#endif  // per target
