#include "coordinator/server/request_translator.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "tests/unit/coordinator/server/fixtures.h"

namespace windrose {
namespace {

using Proto = inference::v1::GenerateRequest;

constexpr uint32_t kContext = 64;

Proto TextRequest(const std::string& text) {
  Proto proto;
  proto.mutable_text()->set_text(text);
  proto.set_max_tokens(4);
  return proto;
}

Proto ChatRequest(const std::string& role, const std::string& content) {
  Proto proto;
  auto* message = proto.mutable_chat()->add_messages();
  message->set_role(role);
  message->set_content(content);
  proto.set_max_tokens(4);
  return proto;
}

Proto TokenRequest(size_t count) {
  Proto proto;
  for (size_t i = 0; i < count; ++i) proto.mutable_tokens()->add_ids(100);
  proto.set_max_tokens(1);
  return proto;
}

StatusOr<Request> Translate(const Proto& proto) {
  static const ServedModel model = MixtralModel(kContext);
  static const RequestLimits limits{.prompt_bytes = 1000, .messages = 8, .echo_logprobs = 40};
  CountingEntropy entropy;
  return RequestTranslator(model, Mixtral(), limits, entropy).Translate(proto);
}

std::string Detail(const Proto& proto) {
  const auto request = Translate(proto);
  return request.ok() ? "accepted" : DetailText(request.status());
}

// A valid request after `change`.
std::string DetailAfter(const std::function<void(Proto&)>& change) {
  Proto proto = TextRequest("Hello");
  change(proto);
  return Detail(proto);
}

TEST(RequestTranslator, PutsBosInFrontOfText) {
  const auto request = Translate(TextRequest("Hello"));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(Values(request->prompt), (std::vector<uint32_t>{1, 22557}));
  EXPECT_EQ(request->max_tokens, 4U);
  EXPECT_FALSE(request->drop_leading_space);
}

TEST(RequestTranslator, LeavesBosOutWhenAsked) {
  Proto proto = TextRequest("Hello");
  proto.mutable_text()->set_omit_bos(true);
  EXPECT_EQ(Values(Translate(proto)->prompt), (std::vector<uint32_t>{22557}));
}

TEST(RequestTranslator, UsesTokenIdsAsTheyAre) {
  Proto proto = TokenRequest(2);
  EXPECT_EQ(Values(Translate(proto)->prompt), (std::vector<uint32_t>{100, 100}));
  EXPECT_FALSE(Translate(proto)->drop_leading_space);
}

TEST(RequestTranslator, BuildsChatPromptsAndDropsTheAnswersSpace) {
  const auto request = Translate(ChatRequest("user", "a"));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(Values(request->prompt),
            (std::vector<uint32_t>{1, 733, 16289, 28793, 264, 733, 28748, 16289, 28793}));
  EXPECT_TRUE(request->drop_leading_space);
}

TEST(RequestTranslator, KeepsTheSpaceWhenAMessageIsContinued) {
  Proto proto = ChatRequest("user", "a");
  auto* message = proto.mutable_chat()->add_messages();
  message->set_role("assistant");
  message->set_content("The answer is");
  proto.mutable_chat()->set_continue_final_message(true);
  const auto request = Translate(proto);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_FALSE(request->drop_leading_space);
}

TEST(RequestTranslator, RefusesToAnswerItsOwnMessage) {
  Proto proto = ChatRequest("user", "a");
  auto* message = proto.mutable_chat()->add_messages();
  message->set_role("assistant");
  message->set_content("b");
  EXPECT_EQ(Detail(proto), "invalid_value messages[1].role");
  // Behind it they change nothing: their text goes to the front.
  for (const char* const role : {"system", "developer"}) {
    auto* behind = proto.mutable_chat()->add_messages();
    behind->set_role(role);
    behind->set_content("Be brief.");
    EXPECT_EQ(Detail(proto), "invalid_value messages[1].role");
  }
  EXPECT_EQ(Detail(ChatRequest("system", "a")), "accepted");
}

TEST(RequestTranslator, NamesTheMessageAtFault) {
  EXPECT_EQ(Detail(ChatRequest("tool", "a")), "invalid_value messages[0].role");
  Proto empty;
  empty.mutable_chat();
  EXPECT_EQ(Detail(empty), "invalid_value messages");
}

TEST(RequestTranslator, RefusesAnotherModelAndKnowsAliases) {
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_model("gpt-4"); }), "model_not_found model");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_model(std::string(10000, 'x')); }),
            "model_not_found model");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_model("mixtral-8x7b"); }), "accepted");
  EXPECT_EQ(Translate([] {
              Proto proto = TextRequest("a");
              proto.set_model("gpt-4");
              return proto;
            }())
                .status()
                .code(),
            StatusCode::kNotFound);
}

TEST(RequestTranslator, RefusesEmptyPrompts) {
  EXPECT_EQ(Detail(Proto()), "invalid_value prompt");
  EXPECT_EQ(Detail(TokenRequest(0)), "invalid_value prompt");
  Proto proto = TextRequest("");
  proto.mutable_text()->set_omit_bos(true);
  EXPECT_EQ(Detail(proto), "invalid_value prompt");
  EXPECT_EQ(Detail(TextRequest("")), "accepted");  // <s> alone
}

TEST(RequestTranslator, RefusesIdsOutsideTheVocabulary) {
  Proto proto = TokenRequest(1);
  proto.mutable_tokens()->add_ids(32000);
  EXPECT_EQ(Detail(proto), "invalid_value prompt");
  EXPECT_EQ(DetailAfter([](Proto& p) {
              p.mutable_sampling()->set_seed(1);
              p.add_resume_tokens(0xFFFFFFFF);
            }),
            "invalid_value resume_tokens");
}

TEST(RequestTranslator, FillsTheContextWhenMaxTokensIsAbsent) {
  Proto proto = TokenRequest(10);
  proto.clear_max_tokens();
  EXPECT_EQ(Translate(proto)->max_tokens, kContext - 10);
}

TEST(RequestTranslator, RefusesWhatDoesNotFitTheContextAtTheLimitAndBeyond) {
  Proto proto = TokenRequest(kContext - 4);
  proto.set_max_tokens(4);
  EXPECT_EQ(Detail(proto), "accepted");
  proto.set_max_tokens(5);
  EXPECT_EQ(Detail(proto), "context_length_exceeded prompt");
  proto.set_max_tokens(std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(Detail(proto), "context_length_exceeded prompt");
  proto = TokenRequest(kContext);
  proto.clear_max_tokens();
  EXPECT_EQ(Detail(proto), "context_length_exceeded prompt");
  proto = ChatRequest("user", std::string(200, '.') + std::string(200, '!'));
  proto.set_max_tokens(60);
  EXPECT_EQ(Detail(proto), "context_length_exceeded messages");
}

TEST(RequestTranslator, TellsBothNumbersWhenTheContextIsExceeded) {
  Proto proto = TokenRequest(60);
  proto.set_max_tokens(5);
  const std::string message = Message(Translate(proto).status());
  EXPECT_NE(message.find("This model's maximum context length is 64 tokens"), std::string::npos)
      << message;
  EXPECT_NE(message.find("60"), std::string::npos) << message;
  EXPECT_NE(message.find("5 tokens to generate"), std::string::npos) << message;
}

TEST(RequestTranslator, AllowsNoTokensOnlyForAnEcho) {
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_max_tokens(0); }), "invalid_value max_tokens");
  EXPECT_EQ(DetailAfter([](Proto& p) {
              p.set_max_tokens(0);
              p.set_echo(true);
            }),
            "accepted");
}

TEST(RequestTranslator, LimitsStopStrings) {
  EXPECT_EQ(DetailAfter([](Proto& p) { p.add_stop(""); }), "invalid_value stop");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.add_stop(std::string(256, 'x')); }), "accepted");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.add_stop(std::string(257, 'x')); }), "invalid_value stop");
  const std::string stop(1, 'x');
  Proto proto = TextRequest("a");
  while (proto.stop_size() < 4) proto.add_stop(stop);
  EXPECT_EQ(Detail(proto), "accepted");
  proto.add_stop(stop);
  EXPECT_EQ(Detail(proto), "invalid_value stop");
}

TEST(RequestTranslator, LimitsLogprobs) {
  EXPECT_FALSE(Translate(TextRequest("a"))->logprobs.has_value());
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_logprobs(20); }), "accepted");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_logprobs(21); }), "invalid_value logprobs");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_logprobs(0xFFFFFFFF); }), "invalid_value logprobs");
}

TEST(RequestTranslator, LimitsTheLogprobsOfAnEcho) {
  Proto proto = TokenRequest(20);
  proto.set_echo(true);
  proto.set_logprobs(1);
  EXPECT_EQ(Detail(proto), "accepted");  // 20 * 2 values
  proto.mutable_tokens()->add_ids(100);
  EXPECT_EQ(Detail(proto), "invalid_value logprobs");
}

TEST(RequestTranslator, ResumesOnlyWhatCanBeRepeated) {
  Proto proto = TextRequest("a");
  proto.add_resume_tokens(100);
  EXPECT_EQ(Detail(proto), "invalid_value sampling.seed");
  proto.mutable_sampling()->set_temperature(0);
  EXPECT_EQ(Detail(proto), "accepted");
  proto.mutable_sampling()->set_temperature(1);
  proto.mutable_sampling()->set_seed(7);
  EXPECT_EQ(Values(Translate(proto)->resume), (std::vector<uint32_t>{100}));
  for (int i = 0; i < 4; ++i) proto.add_resume_tokens(100);
  EXPECT_EQ(Detail(proto), "invalid_value resume_tokens");
}

TEST(RequestTranslator, MakesAnIdWhenThereIsNoneAndChecksOthers) {
  EXPECT_EQ(Translate(TextRequest("a"))->id.substr(0, 4), "gen-");
  Proto proto = TextRequest("a");
  proto.set_request_id("req-1");
  EXPECT_EQ(Translate(proto)->id, "req-1");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_request_id("a\nb"); }), "invalid_value request_id");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_request_id("caf\xC3\xA9"); }),
            "invalid_value request_id");
  EXPECT_EQ(DetailAfter([](Proto& p) { p.set_request_id(std::string(129, 'a')); }),
            "invalid_value request_id");
}

TEST(RequestTranslator, LimitsTheSizeOfThePrompt) {
  EXPECT_EQ(Detail(TextRequest(std::string(1001, 'a'))), "invalid_value prompt");
  EXPECT_EQ(Detail(ChatRequest("user", std::string(1001, 'a'))), "invalid_value messages");
  Proto proto;
  for (int i = 0; i < 9; ++i) {
    auto* message = proto.mutable_chat()->add_messages();
    message->set_role("user");
    message->set_content("a");
  }
  EXPECT_EQ(Detail(proto), "invalid_value messages");
}

TEST(RequestTranslator, CarriesTheFlags) {
  Proto proto = TextRequest("a");
  proto.set_echo(true);
  proto.set_ignore_eos(true);
  proto.set_logprobs(0);
  proto.add_stop("END");
  const auto request = Translate(proto);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_TRUE(request->echo);
  EXPECT_TRUE(request->ignore_eos);
  EXPECT_EQ(request->logprobs, std::optional<uint32_t>(0));
  EXPECT_EQ(request->stop, (std::vector<std::string>{"END"}));
}

TEST(RequestTranslator, GivesTheSameRequestTwice) {
  Proto proto = ChatRequest("user", "a");
  proto.mutable_sampling()->set_seed(3);
  const auto first = Translate(proto);
  const auto second = Translate(proto);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->prompt, second->prompt);
  EXPECT_EQ(first->sampling.seed, second->sampling.seed);
}

}  // namespace
}  // namespace windrose
