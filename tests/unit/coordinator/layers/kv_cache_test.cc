#include "coordinator/layers/kv_cache.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <set>
#include <utility>

#include "tests/support/tiny_mixtral.h"

namespace windrose {
namespace {

class KvCacheOfType : public testing::TestWithParam<KvCacheType> {};

TEST_P(KvCacheOfType, EveryHeadOfEveryBlockHasItsOwnPlace) {
  const MixtralConfig config = TinyMixtralConfig();
  auto kv = KvCache::Create(config, 5, GetParam());
  ASSERT_TRUE(kv.ok());
  EXPECT_EQ(kv->type(), GetParam());
  EXPECT_EQ(kv->block_count(), 5U);
  const size_t head_bytes = HeadBlockBytes(GetParam(), config.head_dim);
  std::set<const std::byte*> places;
  std::byte* lowest = kv->Keys(LayerIndex{0}, BlockId{0}, 0);
  for (LayerIndex layer{0}; layer.value() < config.layers; ++layer) {
    for (BlockId block{0}; block.value() < 5; ++block) {
      for (size_t head = 0; head < config.kv_heads; ++head) {
        for (std::byte* place : {kv->Keys(layer, block, head), kv->Values(layer, block, head)}) {
          EXPECT_EQ(static_cast<size_t>(place - lowest) % head_bytes, 0U);
          EXPECT_LE(static_cast<size_t>(place - lowest) + head_bytes,
                    5 * KvCache::BlockBytes(config, GetParam()));
          places.insert(place);
          place[head_bytes - 1] = std::byte{1};
        }
      }
    }
  }
  EXPECT_EQ(places.size(), config.layers * 5U * 2U * config.kv_heads);
}

TEST_P(KvCacheOfType, StartsZeroedAndMoves) {
  auto kv = KvCache::Create(TinyMixtralConfig(), 2, GetParam());
  ASSERT_TRUE(kv.ok());
  kv->Values(LayerIndex{1}, BlockId{1}, 0)[3] = std::byte{5};
  KvCache moved(std::move(*kv));
  EXPECT_EQ(moved.type(), GetParam());
  EXPECT_EQ(moved.Values(LayerIndex{1}, BlockId{1}, 0)[3], std::byte{5});
  EXPECT_EQ(moved.Values(LayerIndex{1}, BlockId{1}, 0)[4], std::byte{0});
}

INSTANTIATE_TEST_SUITE_P(Types, KvCacheOfType,
                         testing::Values(KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kQ8));

TEST(KvCache, TakesWhatTheReadmeSaysForMixtral8x7B) {
  MixtralConfig config;
  config.layers = 32;
  config.kv_heads = 8;
  config.head_dim = 128;
  const auto bytes_per_token = [&](KvCacheType type) {
    return KvCache::BlockBytes(config, type) / KvCache::kBlockSize;
  };
  EXPECT_EQ(bytes_per_token(KvCacheType::kF32), 256U << 10);
  EXPECT_EQ(bytes_per_token(KvCacheType::kBf16), 128U << 10);
  EXPECT_EQ(bytes_per_token(KvCacheType::kQ8), 66U << 10);
}

TEST(KvCache, RefusesNoBlocksAndImpossibleSizes) {
  EXPECT_EQ(KvCache::Create(TinyMixtralConfig(), 0).status().code(), StatusCode::kInvalidArgument);
  MixtralConfig huge = TinyMixtralConfig();
  huge.layers = 1024;
  huge.kv_heads = 1024;
  huge.head_dim = 1024;
  EXPECT_FALSE(KvCache::Create(huge, std::numeric_limits<uint32_t>::max()).ok());
}

}  // namespace
}  // namespace windrose
