// Conversions between f32 and the two 16-bit formats, given as their bits.
//
// To 16 bits they round to nearest, ties to even; NaN stays NaN (and becomes quiet); what is too
// large becomes infinite. Plain code, the reference for the kernels. Thread-safe (pure functions).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/tensor/view.h"

namespace windrose {

uint16_t Bf16FromF32(float value);
float F32FromBf16(uint16_t bits);
uint16_t F16FromF32(float value);
float F32FromF16(uint16_t bits);

// Converts row `row` of `weight` to f32; `out` is [weight.cols].
void ReadWeightRow(const WeightView& weight, size_t row, std::span<float> out);

// Converts `values` to `dtype`; `out` is values.size() numbers of it, at any alignment.
void WriteWeights(std::span<const float> values, DType dtype, std::byte* out);

}  // namespace windrose
