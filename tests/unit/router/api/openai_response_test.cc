#include "router/api/openai_response.h"

#include <gtest/gtest.h>

#include "router/api/error.h"
#include "router/api/json.h"
#include "router/api/sse.h"
#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

const ResponseHead kHead{.id = "x-1", .created = 17, .model = "demo", .system_fingerprint = "fp"};

TokenLogprob Logprob(uint32_t id, const std::string& text, float value) {
  return TokenLogprob{.id = TokenId(id), .text = text, .logprob = value};
}

TokenEvent Token(const std::string& text, float value, std::vector<TokenLogprob> top) {
  TokenEvent token{.id = TokenId(5), .index = 0};
  token.text = text;
  token.logprob = Logprob(5, text, value);
  token.top = std::move(top);
  return token;
}

TEST(ChatFormat, WritesTheWholeAnswer) {
  const auto format = MakeChatFormat({});
  format->SetHead(kHead);
  const ChoiceResult choice{
      .index = 0, .text = "a\"b", .tokens = {}, .reason = FinishReason::kStop};
  EXPECT_EQ(format->Body(std::span(&choice, 1), Usage{3, 2}),
            R"({"id":"x-1","object":"chat.completion","created":17,"model":"demo",)"
            R"("system_fingerprint":"fp","choices":[{"index":0,"message":{"role":"assistant",)"
            R"("content":"a\"b","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
            R"("usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})");
}

TEST(ChatFormat, WritesChunks) {
  const auto format = MakeChatFormat({.include_usage = true, .logprobs = {}});
  format->SetHead(kHead);
  const std::string head =
      R"({"id":"x-1","object":"chat.completion.chunk","created":17,"model":"demo",)"
      R"("system_fingerprint":"fp","choices":[)";
  EXPECT_EQ(format->FirstChunk(1),
            head + R"({"index":1,"delta":{"role":"assistant","content":""},"logprobs":null,)"
                   R"("finish_reason":null}],"usage":null})");
  EXPECT_EQ(format->TextChunk(1, "hi", {}),
            head + R"({"index":1,"delta":{"content":"hi"},"logprobs":null,"finish_reason":null}],)"
                   R"("usage":null})");
  EXPECT_EQ(format->FinishChunk(1, FinishReason::kLength),
            head + R"({"index":1,"delta":{},"logprobs":null,"finish_reason":"length"}],)"
                   R"("usage":null})");
  EXPECT_EQ(format->UsageChunk(Usage{1, 2}),
            head + R"(],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
}

TEST(ChatFormat, ShowsRealBytesOfPartialCharacters) {
  const auto format = MakeChatFormat({.include_usage = false, .logprobs = 1});
  format->SetHead(kHead);
  const TokenEvent token =
      Token("\xC3", -0.5F, {Logprob(9, "z", -0.25F), Logprob(5, "\xC3", -0.5F)});
  const std::string chunk = format->TextChunk(0, "", std::span(&token, 1));
  EXPECT_NE(chunk.find(R"("logprobs":{"content":[{"token":")"
                       "\xEF\xBF\xBD"
                       R"(","logprob":-0.5,"bytes":[195],"top_logprobs":[{"token":"z",)"
                       R"("logprob":-0.25,"bytes":[122]}]}],"refusal":null})"),
            std::string::npos)
      << chunk;
}

TEST(CompletionFormat, WritesOneLogprobEntryPerToken) {
  const auto format = MakeCompletionFormat({.include_usage = false, .logprobs = 1});
  format->SetHead(kHead);
  ChoiceResult choice{.index = 0, .text = "<s>ab", .tokens = {}, .reason = FinishReason::kLength};
  TokenEvent first{.id = TokenId(1), .index = 0};
  first.text = "<s>";
  choice.tokens.push_back(first);
  choice.tokens.push_back(Token("a", -0.1F, {Logprob(5, "a", -0.1F)}));
  choice.tokens.push_back(Token("</s>", -2.5F, {Logprob(9, "b", -0.2F), Logprob(8, "c", -3.0F)}));
  const std::string body = format->Body(std::span(&choice, 1), Usage{2, 1});
  EXPECT_NE(
      body.find(R"("logprobs":{"tokens":["<s>","a","</s>"],"token_logprobs":[null,-0.1,-2.5],)"
                R"("top_logprobs":[null,{"a":-0.1},{"b":-0.2,"</s>":-2.5}],)"
                R"("text_offset":[0,3,4]},"finish_reason":"length")"),
      std::string::npos)
      << body;
  EXPECT_NE(body.find(R"("object":"text_completion")"), std::string::npos);
}

TEST(CompletionFormat, KeepsTheLikelierOfTwoTokensThatLookAlike) {
  const auto format = MakeCompletionFormat({.include_usage = false, .logprobs = 2});
  format->SetHead(kHead);
  const TokenEvent token =
      Token("\x80", -1.5F, {Logprob(9, "\xF0", -0.5F), Logprob(5, "\x80", -1.5F)});
  const auto parsed = ParseJson(format->TextChunk(0, "", std::span(&token, 1)));
  ASSERT_TRUE(parsed.ok());
  const JsonValue& logprobs = *parsed->Find("choices")->AsArray()->front().Find("logprobs");
  const auto& top = *logprobs.Find("top_logprobs")->AsArray()->front().AsObject();
  ASSERT_EQ(top.size(), 1U);
  EXPECT_EQ(top.front().second.AsNumber()->real, -0.5);
}

TEST(CompletionFormat, CountsOffsetsAcrossChunks) {
  const auto format = MakeCompletionFormat({.include_usage = false, .logprobs = 0});
  format->SetHead(kHead);
  const TokenEvent token = Token("\xC3\xA9t", -1.0F, {});
  EXPECT_NE(format->TextChunk(0, "", std::span(&token, 1)).find("\"text_offset\":[0]"),
            std::string::npos);
  EXPECT_NE(format->TextChunk(0, "", std::span(&token, 1)).find("\"text_offset\":[2]"),
            std::string::npos);
  EXPECT_NE(format->TextChunk(1, "", std::span(&token, 1)).find("\"text_offset\":[0]"),
            std::string::npos);
}

TEST(CompletionFormat, CountsACharacterOfSeveralTokensOnce) {
  const auto format = MakeCompletionFormat({.include_usage = false, .logprobs = 0});
  format->SetHead(kHead);
  const TokenEvent tokens[] = {Token("\xE2", -1.0F, {}), Token("\x82", -1.0F, {}),
                               Token("\xAC", -1.0F, {}), Token("x", -1.0F, {}),
                               Token("y", -1.0F, {})};
  const std::string chunk = format->TextChunk(0, "\xE2\x82\xACxy", tokens);
  EXPECT_NE(chunk.find("\"text_offset\":[0,1,1,1,2]"), std::string::npos) << chunk;
}

TEST(CompletionFormat, CountsTheFirstWordOfAnEchoAsItIsShown) {
  const auto format = MakeCompletionFormat({.include_usage = false, .logprobs = 0});
  format->SetHead(kHead);
  const TokenEvent tokens[] = {TokenEvent{.id = TokenId(1), .index = 0}, Token(" What", -1.0F, {}),
                               Token(" is", -1.0F, {}), Token("?", -1.0F, {})};
  const std::string echoed = format->TextChunk(0, "What is?", tokens);
  EXPECT_NE(echoed.find("\"text_offset\":[0,0,4,7]"), std::string::npos) << echoed;
  const std::string continued = format->TextChunk(1, " What is?", tokens);
  EXPECT_NE(continued.find("\"text_offset\":[0,0,5,8]"), std::string::npos) << continued;
}

TEST(ErrorAnswer, MapsStatusAndCode) {
  struct Case {
    Status status;
    int http_status;
    const char* type;
    const char* code;
  };
  const Case cases[] = {
      {BadField("n", "invalid_value", "x"), 400, "invalid_request_error", "invalid_value"},
      {NotFound("x"), 404, "invalid_request_error", "model_not_found"},
      {ResourceExhausted("x"), 429, "rate_limit_error", "server_overloaded"},
      {Unavailable("x"), 503, "server_error", "coordinator_unavailable"},
      {WithDetail(Unavailable("x"), {.code = "expert_unavailable"}), 503, "server_error",
       "expert_unavailable"},
      {WithDetail(Internal("x"), {.code = "request_quarantined"}), 500, "server_error",
       "request_quarantined"},
      {BadField("", "method_not_allowed", "x"), 405, "invalid_request_error", "method_not_allowed"},
      {DeadlineExceeded("x"), 504, "server_error", "timeout"},
      {Internal("x"), 500, "server_error", "internal_error"}};
  for (const Case& c : cases) {
    const ErrorAnswer answer = ToErrorAnswer(c.status);
    EXPECT_EQ(answer.http_status, c.http_status) << c.code;
    EXPECT_EQ(answer.type, c.type) << c.code;
    EXPECT_EQ(answer.code, c.code);
  }
}

TEST(ErrorAnswer, WritesBodyAndHeaders) {
  const ErrorAnswer answer =
      ToErrorAnswer(WithDetail(Unavailable("gone"), {.code = "draining", .retry_after_ms = 1500}));
  EXPECT_EQ(ErrorBody(answer),
            R"({"error":{"message":"gone","type":"server_error","param":null,"code":"draining"}})");
  EXPECT_EQ(ErrorHeaders(answer), (HeaderList{{"Retry-After", "2"}, {"retry-after-ms", "1500"}}));
  EXPECT_EQ(ErrorHeaders(ToErrorAnswer(Internal("x"))), (HeaderList{{"x-should-retry", "false"}}));
  EXPECT_TRUE(ErrorHeaders(ToErrorAnswer(InvalidArgument("x"))).empty());
}

TEST(ErrorAnswer, NamesFieldsAsTheClientDid) {
  const ErrorAnswer answer = ToErrorAnswer(
      BadField("sampling.logit_bias", "invalid_value", "sampling.logit_bias: wanted fewer"));
  EXPECT_EQ(answer.param, "logit_bias");
  EXPECT_EQ(answer.message, "logit_bias: wanted fewer");
}

TEST(ErrorAnswer, TellsLibrariesNotToRepeatWhatFailedLate) {
  for (const Status& status : {ResourceExhausted("x"), Unavailable("x"), Internal("x")}) {
    const HeaderList headers = ErrorHeaders(ToErrorAnswer(status, /*late=*/true));
    ASSERT_FALSE(headers.empty());
    EXPECT_EQ(headers.back(), (std::pair<std::string, std::string>("x-should-retry", "false")));
  }
}

TEST(Sse, FramesOnOneLine) {
  EXPECT_EQ(SseEvent("{}"), "data: {}\n\n");
  EXPECT_EQ(SsePing(), ": ping\n\n");
  EXPECT_EQ(SseDone(), "data: [DONE]\n\n");
}

}  // namespace
}  // namespace windrose::router
