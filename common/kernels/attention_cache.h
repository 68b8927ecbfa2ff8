// How the keys, or the values, of one head and one block of positions lie in the cache, in f32,
// bf16 or q8.
//
//   f32, bf16: [kAttentionBlock][head_dim] numbers
//   q8:        [kAttentionBlock] f32 scales, then [kAttentionBlock][head_dim] signed bytes;
//              a number is its position's scale times its byte
//
// What is written for a position depends on its own vector only, so it is the same whatever stands
// beside it. Thread-safe (functions on views). No allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace windrose {

// Positions in a block of the cache, and the step of the running softmax.
constexpr size_t kAttentionBlock = 16;

enum class KvCacheType : uint8_t { kF32, kBf16, kQ8 };

// Bytes of one number, without scales.
constexpr size_t NumberBytes(KvCacheType type) {
  return type == KvCacheType::kF32 ? 4 : type == KvCacheType::kBf16 ? 2 : 1;
}

// Bytes in front of the numbers.
constexpr size_t ScaleBytes(KvCacheType type) {
  return type == KvCacheType::kQ8 ? kAttentionBlock * sizeof(float) : 0;
}

// Bytes of one head's keys, or values, in one block.
constexpr size_t HeadBlockBytes(KvCacheType type, size_t head_dim) {
  return ScaleBytes(type) + kAttentionBlock * head_dim * NumberBytes(type);
}

// Writes the vector of `position` < kAttentionBlock, rounded to the nearest number, ties to even.
// In q8 its largest magnitude becomes 127, and a vector with NaN or infinity becomes all NaN.
// vector: [head_dim]; block: HeadBlockBytes.
void WriteCached(KvCacheType type, std::span<const float> vector, size_t position,
                 std::byte* block);

}  // namespace windrose
