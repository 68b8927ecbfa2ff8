#include "common/kernels/rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/rows.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// Calls body(i, load, store) for the logical vectors of [0, size); the last may be incomplete and
// is then filled with zeros, so that an element's bits do not depend on its place.
template <class Body>
HWY_INLINE void ForLanes(size_t size, float* values, const float* other, const Body& body) {
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    StoreLanes(body(LoadLanes(values + i), LoadLanes(other + i)), values + i);
  }
  if (i == size) return;
  HWY_ALIGN float result[kLanes];
  StoreLanes(body(LoadSomeLanes(values + i, size - i), LoadSomeLanes(other + i, size - i)), result);
  std::memcpy(values + i, result, (size - i) * sizeof(float));
}

float DotOf(const float* a, const float* b, size_t size) {
  Lanes sum = ZeroLanes();
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) AddProduct(sum, LoadLanes(a + i), LoadLanes(b + i));
  if (i < size) AddProduct(sum, LoadSomeLanes(a + i, size - i), LoadSomeLanes(b + i, size - i));
  return TreeSum(sum);
}

float SumOf(const float* values, size_t size) {
  Lanes sum = ZeroLanes();
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) AddLanes(sum, LoadLanes(values + i));
  if (i < size) AddLanes(sum, LoadSomeLanes(values + i, size - i));
  return TreeSum(sum);
}

template <DType kType>
HWY_INLINE void NormRowOfType(const float* x, const std::byte* weight, float inverse, float* out,
                              size_t size) {
  const auto scaled = [inverse](Lanes value, const Lanes& factor) HWY_ATTR {
    const FloatVector scale = hn::Set(FloatTag(), inverse);
    for (size_t p = 0; p < kParts; ++p) {
      value.part[p] = hn::Mul(factor.part[p], hn::Mul(value.part[p], scale));
    }
    return value;
  };
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    const Lanes factor = LoadWeightLanes<kType>(weight + i * SizeOf(kType));
    StoreLanes(scaled(LoadLanes(x + i), factor), out + i);
  }
  if (i == size) return;
  HWY_ALIGN float result[kLanes];
  const Lanes factor = LoadSomeWeightLanes<kType>(weight + i * SizeOf(kType), size - i);
  StoreLanes(scaled(LoadSomeLanes(x + i, size - i), factor), result);
  std::memcpy(out + i, result, (size - i) * sizeof(float));
}

void NormRow(const float* x, const WeightView& weight, float epsilon, float* out) {
  const size_t size = weight.cols;
  const float mean = DotOf(x, x, size) / static_cast<float>(size);
  const float inverse = 1.0F / std::sqrt(mean + epsilon);
  switch (weight.dtype) {
    case DType::kF32:
      return NormRowOfType<DType::kF32>(x, weight.data, inverse, out, size);
    case DType::kF16:
      return NormRowOfType<DType::kF16>(x, weight.data, inverse, out, size);
    case DType::kBf16:
      return NormRowOfType<DType::kBf16>(x, weight.data, inverse, out, size);
    case DType::kQ8:
    case DType::kQ4:
    case DType::kPackedBf16:
      return;  // RmsNorm has checked.
  }
}

void SwiGluRange(float* gate, const float* up, size_t size) {
  ForLanes(size, gate, up, [](Lanes g, const Lanes& u) HWY_ATTR {
    const FloatTag d;
    for (size_t p = 0; p < kParts; ++p) {
      const FloatVector denominator = hn::Add(hn::Set(d, 1.0F), BoundedExp(hn::Neg(g.part[p])));
      g.part[p] = hn::Mul(hn::Div(g.part[p], denominator), u.part[p]);
    }
    return g;
  });
}

void AddScaledRange(float* sum, float scale, const float* value, size_t size) {
  ForLanes(size, sum, value, [scale](Lanes s, const Lanes& v) HWY_ATTR {
    const FloatVector factor = hn::Set(FloatTag(), scale);
    for (size_t p = 0; p < kParts; ++p) s.part[p] = hn::MulAdd(factor, v.part[p], s.part[p]);
    return s;
  });
}

void ExpRange(float* values, float shift, size_t size) {
  ForLanes(size, values, values, [shift](Lanes v, const Lanes&) HWY_ATTR {
    const FloatVector offset = hn::Set(FloatTag(), shift);
    for (size_t p = 0; p < kParts; ++p) v.part[p] = BoundedExp(hn::Sub(v.part[p], offset));
    return v;
  });
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(DotOf);
HWY_EXPORT(SumOf);
HWY_EXPORT(NormRow);
HWY_EXPORT(SwiGluRange);
HWY_EXPORT(AddScaledRange);
HWY_EXPORT(ExpRange);

// Elements a range must hold to be worth another thread.
constexpr size_t kRangeElements = 16 * 1024;

}  // namespace

void RmsNorm(const ConstRows& x, const WeightView& weight, float epsilon, const Rows& out,
             ThreadPool& pool) {
  CHECK(!IsPacked(weight.dtype));
  CHECK(x.cols == weight.cols && out.cols == weight.cols && out.rows == x.rows);
  if (x.rows == 0 || x.cols == 0) return;
  const size_t grain = std::max<size_t>(1, kRangeElements / x.cols);
  pool.ParallelFor(x.rows, grain, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      HWY_DYNAMIC_DISPATCH(NormRow)(x.row(row).data(), weight, epsilon, out.row(row).data());
    }
  });
}

void SwiGlu(std::span<float> gate, std::span<const float> up) {
  CHECK(gate.size() == up.size());
  HWY_DYNAMIC_DISPATCH(SwiGluRange)(gate.data(), up.data(), gate.size());
}

void AddTo(std::span<float> sum, std::span<const float> value) { AddScaledTo(sum, 1.0F, value); }

void AddScaledTo(std::span<float> sum, float scale, std::span<const float> value) {
  CHECK(sum.size() == value.size());
  HWY_DYNAMIC_DISPATCH(AddScaledRange)(sum.data(), scale, value.data(), sum.size());
}

void ExpOfDifference(std::span<float> values, float shift) {
  HWY_DYNAMIC_DISPATCH(ExpRange)(values.data(), shift, values.size());
}

void Softmax(std::span<float> values) {
  if (values.empty()) return;
  const float largest = *std::max_element(values.begin(), values.end());
  if (largest == -std::numeric_limits<float>::infinity()) {
    std::fill(values.begin(), values.end(), 1.0F / static_cast<float>(values.size()));
    return;
  }
  ExpOfDifference(values, largest);
  const float sum = Sum(values);
  for (float& value : values) value /= sum;
}

float Sum(std::span<const float> values) {
  return HWY_DYNAMIC_DISPATCH(SumOf)(values.data(), values.size());
}

float Dot(std::span<const float> a, std::span<const float> b) {
  CHECK(a.size() == b.size());
  return HWY_DYNAMIC_DISPATCH(DotOf)(a.data(), b.data(), a.size());
}

}  // namespace windrose
#endif  // HWY_ONCE
