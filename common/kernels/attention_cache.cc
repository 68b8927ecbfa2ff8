#include "common/kernels/attention_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/check.h"
#include "common/tensor/convert.h"

namespace windrose {
namespace {

// Vectors with no larger magnitude count as zeros: their reciprocal would overflow.
constexpr float kSmallest = 0x1p-100F;
constexpr float kHighest = 127.0F;

// The largest magnitude; NaN, whose bits are above infinity's, wins over all.
float LargestMagnitude(std::span<const float> vector) {
  uint32_t largest = 0;
  for (const float value : vector) {
    largest = std::max(largest, std::bit_cast<uint32_t>(value) & 0x7FFFFFFFU);
  }
  return std::bit_cast<float>(largest);
}

// The nearest integer of |value| <= 2^22, ties to even: the sum has no bits left for a fraction.
int32_t Nearest(float value) {
  constexpr float kShift = 0x1.8p23F;
  return std::bit_cast<int32_t>(value + kShift) - std::bit_cast<int32_t>(kShift);
}

void WriteBytes(std::span<const float> vector, size_t position, std::byte* block) {
  auto* bytes =
      reinterpret_cast<int8_t*>(block + ScaleBytes(KvCacheType::kQ8)) + position * vector.size();
  const float largest = LargestMagnitude(vector);
  float scale = std::isfinite(largest) ? largest / kHighest : std::nanf("");
  if (largest >= kSmallest && std::isfinite(largest)) {
    const float factor = kHighest / largest;
    for (size_t i = 0; i < vector.size(); ++i) {
      bytes[i] = static_cast<int8_t>(Nearest(vector[i] * factor));
    }
  } else {
    if (largest < kSmallest) scale = 0;
    std::fill_n(bytes, vector.size(), int8_t{0});
  }
  std::memcpy(block + position * sizeof(scale), &scale, sizeof(scale));
}

}  // namespace

void WriteCached(KvCacheType type, std::span<const float> vector, size_t position,
                 std::byte* block) {
  DCHECK(position < kAttentionBlock);
  const size_t offset = position * vector.size() * NumberBytes(type);
  switch (type) {
    case KvCacheType::kF32:
      std::memcpy(block + offset, vector.data(), vector.size_bytes());
      return;
    case KvCacheType::kBf16:
      WriteWeights(vector, DType::kBf16, block + offset);
      return;
    case KvCacheType::kQ8:
      WriteBytes(vector, position, block);
      return;
  }
}

}  // namespace windrose
