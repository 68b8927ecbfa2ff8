// Rounding f32 to bf16, one register at a time. Private to common/kernels; compiled once per
// instruction set.
#include <cstddef>
#include <cstdint>

#include "common/kernels/lanes-inl.h"

#if defined(WINDROSE_KERNELS_BF16_ROUND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BF16_ROUND_INL_H_
#undef WINDROSE_KERNELS_BF16_ROUND_INL_H_
#else
#define WINDROSE_KERNELS_BF16_ROUND_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using WordTag = hn::RebindToUnsigned<FloatTag>;
using WordVector = hn::Vec<WordTag>;

// The bits of each lane as bf16, in the low half; exactly Bf16FromF32.
HWY_INLINE WordVector Bf16Bits(FloatVector value) {
  const WordTag d;
  const WordVector bits = hn::BitCast(d, value);
  const WordVector high = hn::ShiftRight<16>(bits);
  const WordVector nearest_even = hn::Add(hn::And(high, hn::Set(d, 1)), hn::Set(d, 0x7FFF));
  const WordVector rounded = hn::ShiftRight<16>(hn::Add(bits, nearest_even));
  const WordVector quiet = hn::Or(high, hn::Set(d, 0x40));
  return hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(value)), quiet, rounded);
}

// kCount numbers, a multiple of 16.
template <size_t kCount>
HWY_INLINE void RoundToBf16(const float* from, uint16_t* to) {
  const hn::Rebind<uint16_t, FloatTag> halves;
  const hn::RebindToSigned<FloatTag> di;
  for (size_t i = 0; i < kCount; i += kVectorFloats) {
    const WordVector bits = Bf16Bits(hn::LoadU(FloatTag(), from + i));
    hn::StoreU(hn::DemoteTo(halves, hn::BitCast(di, bits)), halves, to + i);
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
