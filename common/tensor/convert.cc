#include "common/tensor/convert.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "common/tensor/packed_matrix.h"

namespace windrose {
namespace {

// The 16 bits at any alignment.
uint16_t LoadBits(const std::byte* from) {
  uint16_t bits = 0;
  std::memcpy(&bits, from, sizeof(bits));
  return bits;
}

}  // namespace

uint16_t Bf16FromF32(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  const uint32_t nearest_even = 0x7FFF + (bits >> 16 & 1);
  return static_cast<uint16_t>((bits + nearest_even) >> 16);
}

float F32FromBf16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

uint16_t F16FromF32(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7E00 | (bits >> 13 & 0x3FF));
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0F) return static_cast<uint16_t>(sign | 0x7C00);
  uint32_t half = 0;
  if (magnitude < 0x1.0p-14F) {
    // Subnormal: adding 0.5 makes the addition itself round at the last place, 2^-24.
    half = std::bit_cast<uint32_t>(magnitude + 0.5F) - std::bit_cast<uint32_t>(0.5F);
  } else {
    const uint32_t rebased = std::bit_cast<uint32_t>(magnitude) - ((127U - 15U) << 23);
    half = (rebased + 0xFFF + (rebased >> 13 & 1)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

float F32FromF16(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000U} << 16;
  const uint32_t exponent = bits >> 10 & 0x1F;
  const uint32_t fraction = bits & 0x3FF;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1.0p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

void ReadWeightRow(const WeightView& weight, size_t row, std::span<float> out) {
  DCHECK(row < weight.rows && out.size() == weight.cols);
  const std::byte* from = IsPacked(weight.dtype) ? nullptr : weight.row(row);
  switch (weight.dtype) {
    case DType::kF32:
      if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
      return;
    case DType::kF16:
      for (size_t i = 0; i < out.size(); ++i) out[i] = F32FromF16(LoadBits(from + 2 * i));
      return;
    case DType::kBf16:
      for (size_t i = 0; i < out.size(); ++i) out[i] = F32FromBf16(LoadBits(from + 2 * i));
      return;
    case DType::kQ8:
    case DType::kQ4:
    case DType::kPackedBf16:
      return ReadPackedRow(weight, row, out);
  }
}

void WriteWeights(std::span<const float> values, DType dtype, std::byte* out) {
  if (dtype == DType::kF32) {
    if (!values.empty()) std::memcpy(out, values.data(), values.size_bytes());
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits = dtype == DType::kF16 ? F16FromF32(values[i]) : Bf16FromF32(values[i]);
    std::memcpy(out + 2 * i, &bits, sizeof(bits));
  }
}

}  // namespace windrose
