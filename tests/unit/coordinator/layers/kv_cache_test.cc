#include "coordinator/layers/kv_cache.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <utility>

#include "tests/support/tiny_mixtral.h"

namespace windrose {
namespace {

TEST(KvCache, EveryHeadOfEveryBlockHasItsOwnPlace) {
  const MixtralConfig config = TinyMixtralConfig();
  auto kv = KvCache::Create(config, 5);
  ASSERT_TRUE(kv.ok());
  EXPECT_EQ(kv->block_count(), 5U);
  const size_t head_floats = 16 * config.head_dim;
  std::set<const float*> places;
  float* lowest = kv->Keys(LayerIndex{0}, BlockId{0}, 0);
  for (LayerIndex layer{0}; layer.value() < config.layers; ++layer) {
    for (BlockId block{0}; block.value() < 5; ++block) {
      for (size_t head = 0; head < config.kv_heads; ++head) {
        for (float* place : {kv->Keys(layer, block, head), kv->Values(layer, block, head)}) {
          EXPECT_EQ(static_cast<size_t>(place - lowest) % head_floats, 0U);
          EXPECT_LE(static_cast<size_t>(place - lowest) + head_floats,
                    5 * KvCache::BlockBytes(config) / sizeof(float));
          places.insert(place);
          place[head_floats - 1] = 1.0F;
        }
      }
    }
  }
  EXPECT_EQ(places.size(), config.layers * 5U * 2U * config.kv_heads);
}

TEST(KvCache, StartsZeroedAndMoves) {
  auto kv = KvCache::Create(TinyMixtralConfig(), 2);
  ASSERT_TRUE(kv.ok());
  kv->Values(LayerIndex{1}, BlockId{1}, 0)[3] = 5.0F;
  KvCache moved(std::move(*kv));
  EXPECT_EQ(moved.Values(LayerIndex{1}, BlockId{1}, 0)[3], 5.0F);
  EXPECT_EQ(moved.Values(LayerIndex{1}, BlockId{1}, 0)[4], 0.0F);
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
