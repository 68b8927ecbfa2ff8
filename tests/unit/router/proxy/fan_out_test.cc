#include "router/proxy/fan_out.h"

#include <gtest/gtest.h>

#include <utility>

namespace windrose::router {
namespace {

CompletionRequest TwoPrompts(uint32_t choices_per_prompt) {
  CompletionRequest request;
  request.options.choices_per_prompt = choices_per_prompt;
  request.options.sampling.logit_bias = {{TokenId(7), -1.0F}};
  request.prompts = {TextPrompt{.text = "one"}, TokenPrompt{.ids = {TokenId(2), TokenId(3)}}};
  return request;
}

TEST(FanOut, GivesEachChoiceItsPromptAndSeed) {
  CompletionRequest request = TwoPrompts(3);
  request.options.sampling.seed = 40;
  const RequestPlan plan = PlanCompletion(std::move(request), "id", 99);
  ASSERT_EQ(plan.choice_count(), 6U);
  for (size_t choice = 0; choice < 6; ++choice) {
    const GenerateCall call = CallOf(plan, choice);
    EXPECT_EQ(call.request_id, "id");
    EXPECT_EQ(call.sampling.seed, 40 + choice % 3);
    EXPECT_EQ(call.sampling.logit_bias.size(), 1U);
    EXPECT_EQ(std::holds_alternative<TextPrompt>(call.prompt), choice < 3);
  }
}

TEST(FanOut, DrawsASeedForARequestWithoutOne) {
  const RequestPlan plan = PlanCompletion(TwoPrompts(1), "id", 99);
  EXPECT_EQ(CallOf(plan, 0).sampling.seed, 99U);
  EXPECT_EQ(CallOf(plan, 1).sampling.seed, 99U) << "the first choice of each prompt";
}

// A small body must not become hundreds of copies of its largest field.
TEST(FanOut, HoldsOnceWhatChoicesShare) {
  const RequestPlan plan = PlanCompletion(TwoPrompts(8), "id", 99);
  EXPECT_EQ(plan.choice_count(), 16U);
  EXPECT_EQ(plan.prompts.size(), 2U);
  EXPECT_EQ(plan.call.sampling.logit_bias.size(), 1U);
}

}  // namespace
}  // namespace windrose::router
