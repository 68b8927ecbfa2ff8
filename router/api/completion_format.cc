// Completion answers: text_completion, whole and in chunks (which have the same shape and name).
//
// The logprobs object is OpenAI's first one, four arrays of one entry per token: `tokens`,
// `token_logprobs`, `top_logprobs` (token to log-probability) and `text_offset`. Evaluation
// harnesses compare a token's value with the largest of its dictionary for equality and count
// entries, so the dictionary always holds the most likely token and the token itself, and no token
// is left out, </s> included.
#include <algorithm>

#include "router/api/response_parts.h"

namespace windrose::router {
namespace {

// An echoed prompt's first word stands in the text without the space that its token begins with.
bool HidesSpace(const TokenEvent& token, size_t offset, std::string_view text) {
  return offset == 0 && TokenBytes(token).starts_with(' ') && !text.empty() && text.front() != ' ';
}

// Token texts to log-probabilities. Two tokens may show the same text; the likelier one is kept.
class TopDictionary {
 public:
  void Add(const TokenLogprob& token) {
    std::string key = ToValidUtf8(token.text);
    const auto same = std::find_if(entries_.begin(), entries_.end(),
                                   [&](const auto& entry) { return entry.first == key; });
    if (same == entries_.end()) {
      entries_.emplace_back(std::move(key), token.logprob);
    } else {
      same->second = std::max(same->second, token.logprob);
    }
  }

  void Write(JsonWriter& json) const {
    json.BeginObject();
    for (const auto& [text, logprob] : entries_) json.Key(text).Float(logprob);
    json.EndObject();
  }

 private:
  std::vector<std::pair<std::string, float>> entries_;  // best first
};

class CompletionFormat final : public ResponseFormat {
 public:
  explicit CompletionFormat(const FormatOptions& options) : options_(options) {}

  std::string_view id_prefix() const override { return "cmpl-"; }

  std::string FirstChunk(uint32_t) override { return std::string(); }

  std::string TextChunk(uint32_t index, std::string_view text,
                        std::span<const TokenEvent> tokens) override {
    return Chunk(index, text, tokens, nullptr);
  }

  std::string FinishChunk(uint32_t index, FinishReason reason) override {
    return Chunk(index, "", {}, FinishReasonName(reason));
  }

  std::string UsageChunk(const Usage& usage) override {
    JsonWriter json;
    WriteHead(json, head_, "text_completion");
    json.Key("choices").BeginArray().EndArray();
    WriteUsage(json, usage);
    return json.EndObject().Take();
  }

  std::string Body(std::span<const ChoiceResult> choices, const Usage& usage) override {
    JsonWriter json;
    WriteHead(json, head_, "text_completion");
    json.Key("choices").BeginArray();
    for (const ChoiceResult& choice : choices) {
      WriteChoice(json, choice.index, choice.text, choice.tokens, FinishReasonName(choice.reason));
    }
    json.EndArray();
    WriteUsage(json, usage);
    return json.EndObject().Take();
  }

 private:
  std::string Chunk(uint32_t index, std::string_view text, std::span<const TokenEvent> tokens,
                    const char* reason) {
    JsonWriter json;
    WriteHead(json, head_, "text_completion");
    json.Key("choices").BeginArray();
    WriteChoice(json, index, text, tokens, reason);
    json.EndArray();
    if (options_.include_usage) json.Key("usage").Null();
    return json.EndObject().Take();
  }

  void WriteChoice(JsonWriter& json, uint32_t index, std::string_view text,
                   std::span<const TokenEvent> tokens, const char* reason) {
    json.BeginObject();
    json.Key("index").Unsigned(index);
    json.Key("text").String(text);
    json.Key("logprobs");
    if (options_.logprobs.has_value() && (reason == nullptr || !tokens.empty())) {
      WriteLogprobs(json, index, text, tokens);
    } else {
      json.Null();
    }
    json.Key("finish_reason").StringOrNull(reason == nullptr ? "" : reason);
    json.EndObject();
  }

  void WriteLogprobs(JsonWriter& json, uint32_t index, std::string_view text,
                     std::span<const TokenEvent> tokens) {
    json.BeginObject().Key("tokens").BeginArray();
    for (const TokenEvent& token : tokens) json.String(TokenBytes(token));
    json.EndArray().Key("token_logprobs").BeginArray();
    for (const TokenEvent& token : tokens) {
      token.logprob.has_value() ? json.Float(token.logprob->logprob) : json.Null();
    }
    json.EndArray().Key("top_logprobs").BeginArray();
    for (const TokenEvent& token : tokens) WriteTop(json, token);
    json.EndArray().Key("text_offset").BeginArray();
    size_t& offset = next_offset_[index];
    for (const TokenEvent& token : tokens) {
      json.Unsigned(offset);
      // By leading bytes, since tokens may share a character.
      offset += CountCharacters(TokenBytes(token)) - (HidesSpace(token, offset, text) ? 1 : 0);
    }
    json.EndArray().EndObject();
  }

  void WriteTop(JsonWriter& json, const TokenEvent& token) {
    if (!token.logprob.has_value()) {
      json.Null();
      return;
    }
    TopDictionary dictionary;
    const size_t count = std::min<size_t>(*options_.logprobs, token.top.size());
    for (const TokenLogprob& other : std::span(token.top).first(count)) dictionary.Add(other);
    dictionary.Add(*token.logprob);
    dictionary.Write(json);
  }

  const FormatOptions options_;
  std::map<uint32_t, size_t> next_offset_;  // by choice index, in characters
};

}  // namespace

std::unique_ptr<ResponseFormat> MakeCompletionFormat(const FormatOptions& options) {
  return std::make_unique<CompletionFormat>(options);
}

}  // namespace windrose::router
