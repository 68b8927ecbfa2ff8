#include "router/api/openai_request.h"

#include <gtest/gtest.h>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

std::string ChatBody(const std::string& more) {
  std::string body = R"({"model":"m","messages":[{"role":"user","content":"hi"}])";
  body += more.empty() ? more : ',' + more;
  return body += '}';
}

std::string CompletionBody(const std::string& more) {
  std::string body = R"({"model":"m","prompt":"hi")";
  body += more.empty() ? more : ',' + more;
  return body += '}';
}

struct Refusal {
  std::string fields;
  std::string code;
  std::string param;
};

TEST(ChatRequest, TakesEveryField) {
  const auto request = ParseChatRequest(
      R"({"model":"m","messages":[{"role":"system","content":"be"},
          {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"n"},
          {"role":"assistant","content":"so"}],
          "max_tokens":5,"max_completion_tokens":7,"temperature":0,"top_p":0.5,"top_k":3,"min_p":0.1,
          "repetition_penalty":1.1,"presence_penalty":-2,"frequency_penalty":2,
          "logit_bias":{"7":-100,"0":1.5},"seed":-1,"stop":["x","y"],"stream":true,
          "stream_options":{"include_usage":true},"n":2,"logprobs":true,"top_logprobs":20,
          "user":"u","metadata":{"k":"v"},"ignore_eos":true,"continue_final_message":true,
          "store":false,"tools":[],"tool_choice":"auto","response_format":{"type":"text"},
          "modalities":["text"],"something_new":{"deep":[1]}})",
      {});
  ASSERT_TRUE(request.ok()) << ToString(request.status());
  EXPECT_EQ(request->prompt.messages[1], (ChatMessage{"user", "a\nb"}));
  EXPECT_TRUE(request->prompt.continue_final_message);
  const GenerationOptions& options = request->options;
  EXPECT_EQ(options.max_tokens, 7U);
  EXPECT_EQ(options.sampling.temperature, 0.0F);
  EXPECT_EQ(options.sampling.seed, ~uint64_t{0});
  EXPECT_EQ(options.sampling.logit_bias.at(TokenId(7)), -100.0F);
  EXPECT_EQ(options.sampling.top_k, 3U);
  EXPECT_EQ(options.stop, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(options.choices_per_prompt, 2U);
  EXPECT_TRUE(options.stream && options.include_usage && options.ignore_eos);
  EXPECT_EQ(request->top_logprobs, 20U);
}

TEST(ChatRequest, NullMeansTheDefault) {
  const auto request = ParseChatRequest(
      ChatBody(R"("max_tokens":null,"temperature":null,"n":null,"stop":null,"stream":null,
                  "logprobs":null,"top_logprobs":null,"seed":null,"logit_bias":null,"tools":null,
                  "response_format":null,"chat_template":null,"stream_options":null)"),
      {});
  ASSERT_TRUE(request.ok()) << ToString(request.status());
  EXPECT_FALSE(request->options.max_tokens.has_value());
  EXPECT_FALSE(request->options.sampling.temperature.has_value());
  EXPECT_EQ(request->options.choices_per_prompt, 1U);
}

TEST(ChatRequest, NamesTheFieldAtFault) {
  const Refusal refusals[] = {
      {R"("max_tokens":0)", "invalid_value", "max_tokens"},
      {R"("max_tokens":-1)", "invalid_value", "max_tokens"},
      {R"("max_tokens":1.5)", "invalid_value", "max_tokens"},
      {R"("max_tokens":"5")", "invalid_type", "max_tokens"},
      {R"("max_tokens":2147483648)", "invalid_value", "max_tokens"},
      {R"("max_completion_tokens":9223372036854775808)", "invalid_value", "max_completion_tokens"},
      {R"("n":0)", "invalid_value", "n"},
      {R"("n":9)", "invalid_value", "n"},
      {R"("n":-1)", "invalid_value", "n"},
      {R"("temperature":-0.1)", "invalid_value", "temperature"},
      {R"("temperature":2.1)", "invalid_value", "temperature"},
      {R"("temperature":"1")", "invalid_type", "temperature"},
      {R"("top_p":0)", "invalid_value", "top_p"},
      {R"("top_p":1e-60)", "invalid_value", "top_p"},
      {R"("top_p":1.1)", "invalid_value", "top_p"},
      {R"("top_k":-2)", "invalid_value", "top_k"},
      {R"("min_p":1.5)", "invalid_value", "min_p"},
      {R"("repetition_penalty":0.009)", "invalid_value", "repetition_penalty"},
      {R"("repetition_penalty":100.1)", "invalid_value", "repetition_penalty"},
      {R"("presence_penalty":2.1)", "invalid_value", "presence_penalty"},
      {R"("frequency_penalty":-2.1)", "invalid_value", "frequency_penalty"},
      {R"("top_logprobs":1)", "invalid_value", "top_logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "invalid_value", "top_logprobs"},
      {R"("logprobs":5)", "invalid_type", "logprobs"},
      {R"("logit_bias":{"abc":1})", "invalid_value", "logit_bias"},
      {R"("logit_bias":{"-1":1})", "invalid_value", "logit_bias"},
      {R"("logit_bias":{"01":1})", "invalid_value", "logit_bias"},
      {R"("logit_bias":{"1":101})", "invalid_value", "logit_bias"},
      {R"("logit_bias":[1])", "invalid_type", "logit_bias"},
      {R"("stop":["a","b","c","d","e"])", "invalid_value", "stop"},
      {R"("stop":"")", "invalid_value", "stop"},
      {R"("stop":[1])", "invalid_value", "stop"},
      {R"("seed":18446744073709551616)", "invalid_value", "seed"},
      {R"("seed":9223372036854775808)", "invalid_value", "seed"},
      {R"("seed":1.5)", "invalid_value", "seed"},
      {R"("seed":"7")", "invalid_type", "seed"},
      {R"("user":7)", "invalid_type", "user"},
      {R"("metadata":[])", "invalid_type", "metadata"},
      {R"("metadata":{"a":1})", "invalid_value", "metadata"},
      {R"("skip_special_tokens":false)", "unsupported_parameter", "skip_special_tokens"},
      {R"("skip_special_tokens":0)", "invalid_type", "skip_special_tokens"},
      {R"("stream":"true")", "invalid_type", "stream"},
      {R"("stream_options":{"include_usage":true})", "invalid_value", "stream_options"},
      {R"("stream":true,"stream_options":{"include_usage":1})", "invalid_type",
       "stream_options.include_usage"},
      {R"("tools":[{"type":"function"}])", "unsupported_parameter", "tools"},
      {R"("tool_choice":"required")", "unsupported_parameter", "tool_choice"},
      {R"("response_format":{"type":"json_object"})", "unsupported_parameter", "response_format"},
      {R"("response_format":7)", "unsupported_parameter", "response_format"},
      {R"("modalities":["audio"])", "unsupported_parameter", "modalities"},
      {R"("audio":{"voice":"x"})", "unsupported_parameter", "audio"},
      {R"("chat_template":"x")", "unsupported_parameter", "chat_template"},
      {R"("n_discard":0)", "unsupported_parameter", "n_discard"},
      {R"("guided_regex":"a*")", "unsupported_parameter", "guided_regex"},
      {R"("continue_final_message":true)", "invalid_value", "messages"}};
  for (const Refusal& refusal : refusals) {
    const auto request = ParseChatRequest(ChatBody(refusal.fields), {});
    ASSERT_FALSE(request.ok()) << refusal.fields;
    EXPECT_EQ(request.status().code(), StatusCode::kInvalidArgument);
    const auto detail = DetailOf(request.status());
    ASSERT_TRUE(detail.has_value());
    EXPECT_EQ(detail->code, refusal.code) << refusal.fields;
    EXPECT_EQ(detail->param, refusal.param) << refusal.fields;
  }
}

// As the operator sets them: a coordinator that takes more must be reachable over HTTP.
TEST(ChatRequest, BoundsStopStringsAndBiases) {
  RequestLimits limits;
  limits.stop_strings = 6;
  limits.stop_bytes = 3;
  limits.logit_bias = 2;
  for (const char* fields : {R"("stop":["a","b","c","d","e","f"])", R"("stop":"abc")",
                             R"("logit_bias":{"1":1,"2":1})"}) {
    EXPECT_TRUE(ParseChatRequest(ChatBody(fields), limits).ok()) << fields;
  }
  for (const Refusal& refusal :
       {Refusal{R"("stop":["a","b","c","d","e","f","g"])", "6 strings", "stop"},
        {R"("stop":"abcd")", "1 to 3 bytes", "stop"},
        {R"("logit_bias":{"1":1,"2":1,"3":1})", "2 entries", "logit_bias"}}) {
    const Status status = ParseChatRequest(ChatBody(refusal.fields), limits).status();
    ASSERT_FALSE(status.ok()) << refusal.fields;
    EXPECT_EQ(DetailOf(status)->param, refusal.param);
    EXPECT_NE(Message(status).find(refusal.code), std::string::npos) << Message(status);
  }
}

// The range of the proto: what gRPC takes, HTTP takes.
TEST(ChatRequest, TakesRepetitionPenaltiesOfTheWholeRange) {
  for (const char* fields : {R"("repetition_penalty":0.01)", R"("repetition_penalty":100)"}) {
    EXPECT_TRUE(ParseChatRequest(ChatBody(fields), {}).ok()) << fields;
  }
}

// 64 characters of a key and 512 of a value, which have up to four bytes each.
TEST(ChatRequest, TakesMetadataAsLongAsOpenAiDoes) {
  std::string metadata = R"("metadata":{")" + std::string(64, 'k') + R"(":")";
  for (int i = 0; i < 512; ++i) metadata += "\xF0\x9F\x98\x80";
  EXPECT_TRUE(ParseChatRequest(ChatBody(metadata + "\"}"), {}).ok());
}

// What means nothing to us takes memory all the same.
TEST(ChatRequest, BoundsLabelsThatItPassesOver) {
  RequestLimits limits;
  limits.label_bytes = 4;
  for (const char* fields :
       {R"("user":"abcd","prompt_cache_key":"")", R"("metadata":{"ab":"cd"})"}) {
    EXPECT_TRUE(ParseChatRequest(ChatBody(fields), limits).ok()) << fields;
  }
  for (const Refusal& refusal :
       {Refusal{R"("user":"abcde")", "invalid_value", "user"},
        {R"("prompt_cache_key":"abcde")", "invalid_value", "prompt_cache_key"},
        {R"("metadata":{"ab":"cde"})", "invalid_value", "metadata"},
        {R"("metadata":{"abcde":""})", "invalid_value", "metadata"}}) {
    const Status status = ParseChatRequest(ChatBody(refusal.fields), limits).status();
    ASSERT_TRUE(DetailOf(status).has_value()) << refusal.fields;
    EXPECT_EQ(DetailOf(status)->code, refusal.code) << refusal.fields;
    EXPECT_EQ(DetailOf(status)->param, refusal.param) << refusal.fields;
  }
}

TEST(ChatRequest, RefusesMessagesItCannotRead) {
  const Refusal refusals[] = {
      {R"({"model":"m"})", "missing_required_parameter", "messages"},
      {R"({"messages":[{"role":"user","content":"x"}]})", "missing_required_parameter", "model"},
      {R"({"model":7,"messages":[]})", "invalid_type", "model"},
      {R"({"model":"m","messages":[]})", "invalid_value", "messages"},
      {R"({"model":"m","messages":"x"})", "invalid_type", "messages"},
      {R"({"model":"m","messages":[7]})", "invalid_type", "messages[0]"},
      {R"({"model":"m","messages":[{"content":"x"}]})", "missing_required_parameter",
       "messages[0].role"},
      {R"({"model":"m","messages":[{"role":"admin","content":"x"}]})", "invalid_value",
       "messages[0].role"},
      {R"({"model":"m","messages":[{"role":"tool","content":"x"}]})", "invalid_value",
       "messages[0].role"},
      {R"({"model":"m","messages":[{"role":"user","content":null}]})", "missing_required_parameter",
       "messages[0].content"},
      {R"({"model":"m","messages":[{"role":"user","content":7}]})", "invalid_type",
       "messages[0].content"},
      {R"({"model":"m","messages":[{"role":"user","content":[]}]})", "invalid_value",
       "messages[0].content"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
       "unsupported_content", "messages[0].content[0]"},
      {"[]", "invalid_json", ""},
      {"null", "invalid_json", ""},
      {"", "invalid_json", ""}};
  for (const Refusal& refusal : refusals) {
    const auto request = ParseChatRequest(refusal.fields, {});
    ASSERT_FALSE(request.ok()) << refusal.fields;
    EXPECT_EQ(DetailOf(request.status())->code, refusal.code) << refusal.fields;
    EXPECT_EQ(DetailOf(request.status())->param, refusal.param) << refusal.fields;
  }
}

TEST(CompletionRequest, TakesTheHarnessesBody) {
  const auto request = ParseCompletionRequest(
      R"({"model":"m","prompt":[[1,2,3],[4]],"temperature":0,"max_tokens":1,"logprobs":1,
          "seed":1234,"echo":true})",
      {});
  ASSERT_TRUE(request.ok()) << ToString(request.status());
  ASSERT_EQ(request->prompts.size(), 2U);
  EXPECT_EQ(std::get<TokenPrompt>(request->prompts[0]).ids.size(), 3U);
  EXPECT_EQ(request->logprobs, 1U);
  EXPECT_TRUE(request->echo);
}

TEST(CompletionRequest, TakesEveryFormOfPrompt) {
  const std::pair<std::string, size_t> forms[] = {
      {R"("x")", 1}, {R"("")", 1}, {R"(["x","y"])", 2}, {"[1,2]", 1}, {"[[1],[2]]", 2}};
  for (const auto& [form, count] : forms) {
    const auto request = ParseCompletionRequest(R"({"model":"m","prompt":)" + form + "}", {});
    ASSERT_TRUE(request.ok()) << form;
    EXPECT_EQ(request->prompts.size(), count) << form;
    EXPECT_EQ(request->options.max_tokens, 16U);
  }
  const auto bare = ParseCompletionRequest(CompletionBody(R"("add_special_tokens":false)"), {});
  ASSERT_TRUE(bare.ok());
  EXPECT_TRUE(std::get<TextPrompt>(bare->prompts[0]).omit_bos);
}

TEST(CompletionRequest, AllowsNoTokensOnlyWithEcho) {
  EXPECT_TRUE(ParseCompletionRequest(CompletionBody(R"("max_tokens":0,"echo":true)"), {}).ok());
  EXPECT_FALSE(ParseCompletionRequest(CompletionBody(R"("max_tokens":0)"), {}).ok());
}

TEST(CompletionRequest, RefusesBadPrompts) {
  for (const std::string form : {"null", "7", "[]", "[[]]", "[-1]", "[1.5]", "[1099511627776]",
                                 "[1,\"x\"]", "[\"x\",1]", "{}", "[null]"}) {
    const auto request = ParseCompletionRequest(R"({"model":"m","prompt":)" + form + "}", {});
    ASSERT_FALSE(request.ok()) << form;
    EXPECT_EQ(DetailOf(request.status())->param, "prompt") << form;
  }
  const RequestLimits limits{.prompts = 2, .prompt_tokens = 3};
  EXPECT_TRUE(ParseCompletionRequest(R"({"model":"m","prompt":["a","b"]})", limits).ok());
  EXPECT_FALSE(ParseCompletionRequest(R"({"model":"m","prompt":["a","b","c"]})", limits).ok());
  EXPECT_TRUE(ParseCompletionRequest(R"({"model":"m","prompt":[1,2,3]})", limits).ok());
  EXPECT_FALSE(ParseCompletionRequest(R"({"model":"m","prompt":[1,2,3,4]})", limits).ok());
}

TEST(CompletionRequest, RefusesWhatItDoesNotServe) {
  for (const std::string field : {R"("suffix":"x")", R"("best_of":2)", R"("logprobs":21)",
                                  R"("n":2,"best_of":1)", R"("stop_token_ids":[2])"}) {
    EXPECT_FALSE(ParseCompletionRequest(CompletionBody(field), {}).ok()) << field;
  }
  EXPECT_TRUE(ParseCompletionRequest(CompletionBody(R"("n":2,"best_of":2)"), {}).ok());
}

}  // namespace
}  // namespace windrose::router
