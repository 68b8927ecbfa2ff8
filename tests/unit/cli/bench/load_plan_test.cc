#include "cli/bench/load_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace windrose::cli {
namespace {

using testing::Each;
using testing::HasSubstr;

LoadShape Shape() {
  return {.model = "demo", .prompt_tokens = 16, .max_tokens = 8, .vocabulary = 100, .seed = 7};
}

TEST(PlanLevels, GivesEachStreamFourRequestsButALevelAtLeastEight) {
  const auto levels = PlanLevels({.concurrency = {1, 8, 32}, .warmup = 2});
  ASSERT_TRUE(levels.ok());
  ASSERT_EQ(levels->size(), 3U);
  EXPECT_EQ((*levels)[0].requests, 8U);
  EXPECT_EQ((*levels)[1].requests, 32U);
  EXPECT_EQ((*levels)[2].requests, 128U);
  EXPECT_EQ((*levels)[2].concurrency, 32U);
}

TEST(PlanLevels, CountsOrdinalsThroughAllLevelsBehindTheWarmUp) {
  const auto levels = PlanLevels({.concurrency = {2, 4}, .requests = 10, .warmup = 3});
  ASSERT_TRUE(levels.ok());
  EXPECT_EQ((*levels)[0].first_ordinal, 3U);
  EXPECT_EQ((*levels)[1].first_ordinal, 13U);
}

TEST(PlanLevels, RefusesNoLevelsAndTooMany) {
  EXPECT_THAT(Message(PlanLevels({}).status()), HasSubstr("--concurrency"));
  EXPECT_TRUE(PlanLevels({.concurrency = std::vector<uint32_t>(32, 1)}).ok());
  EXPECT_FALSE(PlanLevels({.concurrency = std::vector<uint32_t>(33, 1)}).ok());
}

TEST(PlanLevels, RefusesFewerRequestsThanStreams) {
  EXPECT_FALSE(PlanLevels({.concurrency = {8}, .requests = 7}).ok());
  EXPECT_TRUE(PlanLevels({.concurrency = {8}, .requests = 8}).ok());
}

TEST(PlanLevels, RefusesMoreTokensThanItKeepsTimesOf) {
  EXPECT_TRUE(PlanLevels({.concurrency = {1}, .requests = 1000, .max_tokens = 8000}).ok());
  EXPECT_FALSE(PlanLevels({.concurrency = {1}, .requests = 1000, .max_tokens = 8001}).ok());
}

TEST(PromptIds, AreOrdinaryTokensOfTheVocabulary) {
  LoadShape shape = Shape();
  shape.prompt_tokens = 5000;
  const auto ids = PromptIds(shape, 1);
  EXPECT_EQ(ids.size(), 5000U);
  EXPECT_THAT(ids, Each(testing::AllOf(testing::Ge(3U), testing::Lt(100U))));
  EXPECT_THAT(ids, testing::Contains(3U));
  EXPECT_THAT(ids, testing::Contains(99U));
}

TEST(PromptIds, DependOnSeedAndOrdinalAlone) {
  EXPECT_EQ(PromptIds(Shape(), 5), PromptIds(Shape(), 5));
  EXPECT_NE(PromptIds(Shape(), 5), PromptIds(Shape(), 6));
  LoadShape other = Shape();
  other.seed = 8;
  EXPECT_NE(PromptIds(Shape(), 5), PromptIds(other, 5));
}

TEST(CompletionBody, AsksForAGreedyStreamOfExactlySoManyTokens) {
  const auto body = boost::json::parse(CompletionBody(Shape(), 5));
  EXPECT_EQ(body.at("model").as_string(), "demo");
  EXPECT_EQ(body.at("prompt").as_array().size(), 16U);
  EXPECT_EQ(body.at("prompt").at(0).to_number<uint32_t>(), PromptIds(Shape(), 5)[0]);
  EXPECT_EQ(body.at("max_tokens").to_number<int>(), 8);
  EXPECT_EQ(body.at("temperature").to_number<int>(), 0);
  EXPECT_TRUE(body.at("ignore_eos").as_bool());
  EXPECT_TRUE(body.at("stream").as_bool());
  EXPECT_TRUE(body.at("stream_options").at("include_usage").as_bool());
}

}  // namespace
}  // namespace windrose::cli
