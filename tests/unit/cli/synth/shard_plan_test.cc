#include "cli/synth/shard_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace windrose::cli {
namespace {

using testing::ElementsAre;

// 20, 40 and 200 bytes in bf16.
const std::vector<TensorSpec> kTensors = {
    {"a", {10}, false}, {"b", {4, 5}, false}, {"c", {10, 10}, true}};

TEST(ShardPlan, OneFileHasThePlainName) {
  const std::vector<Shard> shards = PlanShards(kTensors, DType::kBf16, 1000);
  ASSERT_EQ(shards.size(), 1U);
  EXPECT_EQ(shards[0].file, "model.safetensors");
  EXPECT_THAT(shards[0].tensors, ElementsAre(0, 1, 2));
}

TEST(ShardPlan, FillsAFileToItsLimitExactly) {
  const std::vector<Shard> shards = PlanShards(kTensors, DType::kBf16, 60);
  ASSERT_EQ(shards.size(), 2U);
  EXPECT_EQ(shards[0].file, "model-00001-of-00002.safetensors");
  EXPECT_THAT(shards[0].tensors, ElementsAre(0, 1));
  EXPECT_THAT(shards[1].tensors, ElementsAre(2));
}

TEST(ShardPlan, GivesATensorAboveTheLimitAFileOfItsOwn) {
  EXPECT_EQ(PlanShards(kTensors, DType::kBf16, 1).size(), 3U);
}

TEST(ShardPlan, IndexNamesEveryTensorAndTheTotal) {
  const auto shards = PlanShards(kTensors, DType::kBf16, 60);
  const auto index = boost::json::parse(IndexJson(kTensors, DType::kBf16, shards));
  EXPECT_EQ(index.at("metadata").at("total_size").to_number<int>(), 260);
  EXPECT_EQ(index.at("weight_map").at("b").as_string(), "model-00001-of-00002.safetensors");
  EXPECT_EQ(index.at("weight_map").at("c").as_string(), "model-00002-of-00002.safetensors");
}

}  // namespace
}  // namespace windrose::cli
