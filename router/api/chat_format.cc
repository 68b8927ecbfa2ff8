// Chat answers: chat.completion and chat.completion.chunk.
#include <algorithm>
#include <functional>

#include "router/api/response_parts.h"

namespace windrose::router {
namespace {

void WriteBytes(JsonWriter& json, std::string_view bytes) {
  json.Key("bytes").BeginArray();
  for (const char byte : bytes) json.Unsigned(static_cast<unsigned char>(byte));
  json.EndArray();
}

// token, logprob and bytes, in an object that the caller closes.
void OpenTokenLogprob(JsonWriter& json, const TokenLogprob& token) {
  json.BeginObject();
  json.Key("token").String(token.text);
  json.Key("logprob").Float(token.logprob);
  WriteBytes(json, token.text);
}

class ChatFormat final : public ResponseFormat {
 public:
  explicit ChatFormat(const FormatOptions& options) : options_(options) {}

  std::string_view id_prefix() const override { return "chatcmpl-"; }

  std::string FirstChunk(uint32_t index) override {
    return Chunk(index, {}, nullptr, [](JsonWriter& json) {
      json.Key("role").String("assistant").Key("content").String("");
    });
  }

  std::string TextChunk(uint32_t index, std::string_view text,
                        std::span<const TokenEvent> tokens) override {
    return Chunk(index, tokens, nullptr,
                 [text](JsonWriter& json) { json.Key("content").String(text); });
  }

  std::string FinishChunk(uint32_t index, FinishReason reason) override {
    return Chunk(index, {}, FinishReasonName(reason), [](JsonWriter&) {});
  }

  std::string UsageChunk(const Usage& usage) override {
    JsonWriter json;
    WriteHead(json, head_, "chat.completion.chunk");
    json.Key("choices").BeginArray().EndArray();
    WriteUsage(json, usage);
    return json.EndObject().Take();
  }

  std::string Body(std::span<const ChoiceResult> choices, const Usage& usage) override {
    JsonWriter json;
    WriteHead(json, head_, "chat.completion");
    json.Key("choices").BeginArray();
    for (const ChoiceResult& choice : choices) WriteChoice(json, choice);
    json.EndArray();
    WriteUsage(json, usage);
    return json.EndObject().Take();
  }

 private:
  using WriteDelta = std::function<void(JsonWriter&)>;

  // `reason` is nullptr while the choice goes on.
  std::string Chunk(uint32_t index, std::span<const TokenEvent> tokens, const char* reason,
                    const WriteDelta& write_delta) {
    JsonWriter json;
    WriteHead(json, head_, "chat.completion.chunk");
    json.Key("choices").BeginArray().BeginObject();
    json.Key("index").Unsigned(index);
    json.Key("delta").BeginObject();
    write_delta(json);
    json.EndObject();
    WriteLogprobs(json, tokens);
    json.Key("finish_reason").StringOrNull(reason == nullptr ? "" : reason);
    json.EndObject().EndArray();
    if (options_.include_usage) json.Key("usage").Null();
    return json.EndObject().Take();
  }

  void WriteChoice(JsonWriter& json, const ChoiceResult& choice) {
    json.BeginObject();
    json.Key("index").Unsigned(choice.index);
    json.Key("message").BeginObject();
    json.Key("role").String("assistant");
    json.Key("content").String(choice.text);
    json.Key("refusal").Null();
    json.EndObject();
    WriteLogprobs(json, choice.tokens, options_.logprobs.has_value());
    json.Key("finish_reason").String(FinishReasonName(choice.reason));
    json.EndObject();
  }

  // An object when there are tokens, or always with `force`; else null.
  void WriteLogprobs(JsonWriter& json, std::span<const TokenEvent> tokens, bool force = false) {
    json.Key("logprobs");
    if (!options_.logprobs.has_value() || (tokens.empty() && !force)) {
      json.Null();
      return;
    }
    json.BeginObject().Key("content").BeginArray();
    for (const TokenEvent& token : tokens) {
      if (token.logprob.has_value()) WriteToken(json, token);
    }
    json.EndArray().Key("refusal").Null().EndObject();
  }

  void WriteToken(JsonWriter& json, const TokenEvent& token) {
    OpenTokenLogprob(json, *token.logprob);
    json.Key("top_logprobs").BeginArray();
    const size_t count = std::min<size_t>(*options_.logprobs, token.top.size());
    for (const TokenLogprob& other : std::span(token.top).first(count)) {
      OpenTokenLogprob(json, other);
      json.EndObject();
    }
    json.EndArray().EndObject();
  }

  const FormatOptions options_;
};

}  // namespace

std::unique_ptr<ResponseFormat> MakeChatFormat(const FormatOptions& options) {
  return std::make_unique<ChatFormat>(options);
}

}  // namespace windrose::router
