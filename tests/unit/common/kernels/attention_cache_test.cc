#include "common/kernels/attention_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/unit/common/kernels/cached_numbers.h"
#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

std::vector<float> WrittenAndRead(KvCacheType type, const std::vector<float>& vector,
                                  size_t position = 3) {
  std::vector<std::byte> block(HeadBlockBytes(type, vector.size()), std::byte{0xFF});
  WriteCached(type, vector, position, block.data());
  std::vector<float> out(vector.size());
  ReadCached(type, position, block.data(), out);
  return out;
}

TEST(AttentionCache, F32KeepsEveryBit) {
  const std::vector<float> vector = RandomValues(37, 1);
  EXPECT_EQ(WrittenAndRead(KvCacheType::kF32, vector), vector);
}

TEST(AttentionCache, Bf16RoundsToNearestTiesToEven) {
  EXPECT_EQ(WrittenAndRead(KvCacheType::kBf16, {1.0F + 0x1p-8F, 1.0F + 0x3p-8F, -1.0F - 0x1.1p-8F}),
            (std::vector<float>{1.0F, 1.0F + 0x1p-6F, -1.0F - 0x1p-7F}));
}

TEST(AttentionCache, Q8RoundsToNearestTiesToEven) {
  EXPECT_EQ(WrittenAndRead(KvCacheType::kQ8, {-127.0F, 0.5F, 1.5F, -2.5F, -3.51F, 126.4F}),
            (std::vector<float>{-127.0F, 0.0F, 2.0F, -2.0F, -4.0F, 126.0F}));
}

TEST(AttentionCache, Q8IsOffByHalfAStepOfTheLargestAtMost) {
  for (const float size : {0x1p-90F, 1e-6F, 1.0F, 1e30F}) {
    std::vector<float> vector = RandomValues(128, 2);
    float largest = 0;
    for (float& value : vector) {
      value *= size;
      largest = std::max(largest, std::abs(value));
    }
    const std::vector<float> read = WrittenAndRead(KvCacheType::kQ8, vector);
    for (size_t i = 0; i < vector.size(); ++i) {
      ASSERT_LE(std::abs(read[i] - vector[i]), largest / 254.0F * 1.0001F) << i;
    }
  }
}

TEST(AttentionCache, Q8KeepsZerosAndTakesTheSmallestForZeros) {
  const std::vector<float> zeros(5);
  EXPECT_EQ(WrittenAndRead(KvCacheType::kQ8, zeros), zeros);
  EXPECT_EQ(WrittenAndRead(KvCacheType::kQ8, {0x1p-140F, 0, -0x1p-120F, 0, 0}), zeros);
}

TEST(AttentionCache, WhatIsNotFiniteStaysNotFinite) {
  for (const KvCacheType type : {KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kQ8}) {
    for (const float bad : {std::nanf(""), -INFINITY, INFINITY}) {
      EXPECT_FALSE(std::isfinite(WrittenAndRead(type, {1.0F, bad, 2.0F})[1]));
    }
  }
}

TEST(AttentionCache, AVectorIsWrittenWithoutTouchingItsNeighbours) {
  for (const KvCacheType type : {KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kQ8}) {
    std::vector<std::byte> block(HeadBlockBytes(type, 10));
    std::vector<std::vector<float>> wanted;
    for (size_t j = 0; j < kAttentionBlock; ++j) {
      const std::vector<float> vector = RandomValues(10, j);
      WriteCached(type, vector, j, block.data());
      wanted.push_back(WrittenAndRead(type, vector, 0));
    }
    for (size_t j = 0; j < kAttentionBlock; ++j) {
      std::vector<float> read(10);
      ReadCached(type, j, block.data(), read);
      EXPECT_EQ(read, wanted[j]) << "position " << j;
    }
  }
}

}  // namespace
}  // namespace windrose
