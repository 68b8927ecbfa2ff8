#include "coordinator/server/event_translator.h"

#include <gtest/gtest.h>

#include "tests/unit/coordinator/server/fixtures.h"

namespace windrose {
namespace {

TEST(EventTranslator, TellsTheModelAndThePromptsLength) {
  const auto event = TranslateStarted(MixtralModel(64), Mixtral(), 5, {}, 59);
  EXPECT_EQ(event.started().model(), "mixtral");
  EXPECT_EQ(event.started().prompt_tokens(), 5U);
  EXPECT_EQ(event.started().system_fingerprint(), "fp_test");
  EXPECT_EQ(event.started().max_tokens(), 59U);
  EXPECT_EQ(event.started().prompt_size(), 0);
}

TEST(EventTranslator, EchoesThePromptAsItsText) {
  std::vector<TokenEvent> prompt;
  for (const uint32_t id : {1U, 22557U, 22557U, 3U + 0xF0U, 3U + 0x9FU}) {
    prompt.push_back({.id = TokenId(id), .index = static_cast<uint32_t>(prompt.size())});
  }
  prompt[1].logprob = TokenLogprob{TokenId(22557), -1.5F};
  const auto started = TranslateStarted(MixtralModel(64), Mixtral(), 5, prompt, 59).started();
  ASSERT_EQ(started.prompt_size(), 5);
  EXPECT_EQ(started.prompt(0).text(), "");
  EXPECT_EQ(started.prompt(1).text(), "Hello");
  EXPECT_EQ(started.prompt(2).text(), " Hello");
  EXPECT_EQ(started.prompt(4).text(), "\xEF\xBF\xBD");
  EXPECT_FALSE(started.prompt(0).has_logprob());
  EXPECT_EQ(started.prompt(1).logprob().logprob(), -1.5F);
  EXPECT_EQ(started.prompt(1).logprob().text(), " Hello");
}

TEST(EventTranslator, GivesTheRealBytesOfAlternatives) {
  TokenEvent token{.id = TokenId(22557), .index = 3, .text = "Hello"};
  token.logprob = TokenLogprob{TokenId(22557), -0.25F};
  token.top = {{TokenId(22557), -0.25F}, {TokenId(3 + 0xF0), -4.0F}};
  const auto proto = TranslateToken(Mixtral(), token).token();
  EXPECT_EQ(proto.id(), 22557U);
  EXPECT_EQ(proto.index(), 3U);
  EXPECT_EQ(proto.text(), "Hello");
  ASSERT_EQ(proto.top_size(), 2);
  EXPECT_EQ(proto.top(1).text(), "\xF0");
  EXPECT_EQ(proto.logprob().logprob(), proto.top(0).logprob());
}

TEST(EventTranslator, TellsHowItFinished) {
  const auto stop = TranslateFinish(7, {FinishReason::kStop, "tail", "END", 12}).finished();
  EXPECT_EQ(stop.reason(), inference::v1::FINISH_REASON_STOP);
  EXPECT_EQ(stop.text(), "tail");
  EXPECT_EQ(stop.stop_string(), "END");
  EXPECT_EQ(stop.prompt_tokens(), 7U);
  EXPECT_EQ(stop.generated_tokens(), 12U);
  const auto length = TranslateFinish(7, {FinishReason::kLength, "", "", 1}).finished();
  EXPECT_EQ(length.reason(), inference::v1::FINISH_REASON_LENGTH);
}

}  // namespace
}  // namespace windrose
