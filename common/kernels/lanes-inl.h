// The logical vector of 16 f32 lanes that every reduction runs in, once per instruction set.
//
// One AVX-512 register, two of AVX2, four of NEON: the same arithmetic in each lane. Private to
// common/kernels; included by sources that Highway compiles once per set, so there is no #pragma
// once.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/tensor/dtype.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

#if defined(WINDROSE_KERNELS_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_LANES_INL_H_
#undef WINDROSE_KERNELS_LANES_INL_H_
#else
#define WINDROSE_KERNELS_LANES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kLanes = 16;
using FloatTag = hn::CappedTag<float, kLanes>;
using FloatVector = hn::Vec<FloatTag>;
constexpr size_t kVectorFloats = hn::MaxLanes(FloatTag());
constexpr size_t kParts = kLanes / kVectorFloats;  // registers in a logical vector

struct Lanes {
  FloatVector part[kParts];
};

HWY_INLINE Lanes ZeroLanes() {
  Lanes lanes;
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) lanes.part[p] = hn::Zero(FloatTag());
  return lanes;
}

HWY_INLINE Lanes LoadLanes(const float* from) {
  Lanes lanes;
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) {
    lanes.part[p] = hn::LoadU(FloatTag(), from + p * kVectorFloats);
  }
  return lanes;
}

HWY_INLINE void StoreLanes(const Lanes& lanes, float* to) {
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) {
    hn::StoreU(lanes.part[p], FloatTag(), to + p * kVectorFloats);
  }
}

// The first `count` < 16 lanes, zeros in the others.
HWY_INLINE Lanes LoadSomeLanes(const float* from, size_t count) {
  HWY_ALIGN float padded[kLanes] = {};
  std::memcpy(padded, from, count * sizeof(float));
  return LoadLanes(padded);
}

// One register of weights at any alignment, as f32.
template <DType kType>
HWY_INLINE FloatVector LoadWeights(const std::byte* from) {
  const FloatTag d;
#if HWY_TARGET == HWY_SCALAR
  if constexpr (kType == DType::kF32) {
    float value = 0;
    std::memcpy(&value, from, sizeof(value));
    return hn::Set(d, value);
  } else {
    uint16_t bits = 0;
    std::memcpy(&bits, from, sizeof(bits));
    if constexpr (kType == DType::kF16) {
      return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, FloatTag>(),
                                          hn::Set(hn::Rebind<uint16_t, FloatTag>(), bits)));
    } else {
      return hn::BitCast(d, hn::Set(hn::Rebind<uint32_t, FloatTag>(), uint32_t{bits} << 16));
    }
  }
#else
  if constexpr (kType == DType::kF32) {
    const hn::Repartition<uint8_t, FloatTag> bytes;
    return hn::BitCast(d, hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(from)));
  } else {
    const hn::Rebind<uint16_t, FloatTag> halves;
    const hn::Repartition<uint8_t, decltype(halves)> bytes;
    const auto bits = hn::BitCast(halves, hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(from)));
    if constexpr (kType == DType::kF16) {
      return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, FloatTag>(), bits));
    } else {
      const hn::Rebind<uint32_t, FloatTag> words;
      return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(words, bits)));
    }
  }
#endif
}

template <DType kType>
HWY_INLINE Lanes LoadWeightLanes(const std::byte* from) {
  Lanes lanes;
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) {
    lanes.part[p] = LoadWeights<kType>(from + p * kVectorFloats * SizeOf(kType));
  }
  return lanes;
}

template <DType kType>
HWY_INLINE Lanes LoadSomeWeightLanes(const std::byte* from, size_t count) {
  HWY_ALIGN std::byte padded[kLanes * SizeOf(kType)] = {};
  std::memcpy(padded, from, count * SizeOf(kType));
  return LoadWeightLanes<kType>(padded);
}

// sum += a * b, fused.
HWY_INLINE void AddProduct(Lanes& sum, const Lanes& a, const Lanes& b) {
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) {
    sum.part[p] = hn::MulAdd(a.part[p], b.part[p], sum.part[p]);
  }
}

HWY_INLINE void AddLanes(Lanes& sum, const Lanes& a) {
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) sum.part[p] = hn::Add(sum.part[p], a.part[p]);
}

// The tree within one register: lane i and lane i + half, until one is left.
#if HWY_TARGET == HWY_SCALAR
HWY_INLINE float TreeSumOfVector(FloatTag, FloatVector v) { return hn::GetLane(v); }
#else
template <class D>
HWY_INLINE float TreeSumOfVector(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    return TreeSumOfVector(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    static_assert(hn::MaxLanes(D()) == 4);
    HWY_ALIGN float lane[4];
    hn::Store(v, d, lane);
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
  }
}
#endif

// The sum of the 16 lanes: i and i + 8, then i + 4, i + 2, i + 1.
HWY_INLINE float TreeSum(const Lanes& lanes) {
  Lanes sum = lanes;
  HWY_UNROLL(4)
  for (size_t width = kParts / 2; width >= 1; width /= 2) {
    HWY_UNROLL(8)
    for (size_t p = 0; p < width; ++p) sum.part[p] = hn::Add(sum.part[p], sum.part[p + width]);
  }
  return TreeSumOfVector(FloatTag(), sum.part[0]);
}

// Keeps a loaded vector in its register. GCC otherwise folds the load into each instruction that
// uses it, and the loads, not the arithmetic, become the limit.
HWY_INLINE void KeepInRegister([[maybe_unused]] FloatVector& v) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128 && !HWY_COMPILER_MSVC
  __asm__("" : "+v"(v.raw));
#endif
}

// Asks for a cache line, into the second level only: the first can wait for few lines at a time,
// and is full of what is in use.
HWY_INLINE void PrefetchLine(const std::byte* at) {
  constexpr int kToRead = 0;
  constexpr int kIntoSecondLevel = 2;
  __builtin_prefetch(at, kToRead, kIntoSecondLevel);
}

// Asks for the places of results, to be written, before these are there: `count` in each of some
// rows, which stand `stride` apart, mostly each on a page of its own.
HWY_INLINE void PrefetchResults(const float* results, size_t stride, size_t rows, size_t count) {
  constexpr int kToWrite = 1;
  constexpr int kIntoFirstLevel = 3;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < count; i += kLanes) {
      __builtin_prefetch(results + r * stride + i, kToWrite, kIntoFirstLevel);
    }
  }
}

// exp within a few units in the last place; 0 below -104; above 88 as 88. NaN stays NaN, which Min
// may take for 88 and Exp for 0.
HWY_INLINE FloatVector BoundedExp(FloatVector x) {
  const FloatTag d;
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, hn::Min(x, hn::Set(d, 88.0F))));
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
