// The inverse of WriteCached, one number at a time. Test code only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "common/kernels/attention_cache.h"
#include "common/tensor/convert.h"

namespace windrose {

template <typename Number>
Number NumberAt(const std::byte* numbers, size_t index) {
  Number number;
  std::memcpy(&number, numbers + index * sizeof(number), sizeof(number));
  return number;
}

// out: [head_dim], the vector of `position`.
inline void ReadCached(KvCacheType type, size_t position, const std::byte* block,
                       std::span<float> out) {
  const std::byte* numbers = block + ScaleBytes(type);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t index = position * out.size() + i;
    switch (type) {
      case KvCacheType::kF32:
        out[i] = NumberAt<float>(numbers, index);
        break;
      case KvCacheType::kBf16:
        out[i] = F32FromBf16(NumberAt<uint16_t>(numbers, index));
        break;
      case KvCacheType::kQ8:
        out[i] =
            NumberAt<float>(block, position) * static_cast<float>(NumberAt<int8_t>(numbers, index));
        break;
    }
  }
}

}  // namespace windrose
