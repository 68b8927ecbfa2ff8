// OpenAI answers: generation events to JSON, whole or as chunks of a stream, for both endpoints.
//
// One ResponseFormat per HTTP request. SetHead comes before anything else. Text is written as valid
// UTF-8 whatever it holds. Log-probabilities are written as the shortest text that reads back as
// the same float, so a token's own value and its entry among the alternatives compare equal.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "router/values/generation_values.h"

namespace windrose::router {

// The same in every chunk of an answer.
struct ResponseHead {
  std::string id;
  int64_t created = 0;  // seconds since the Unix epoch
  std::string model;    // the model's own id
  std::string system_fingerprint;
};

struct Usage {
  uint64_t prompt_tokens = 0;  // each prompt once
  uint64_t completion_tokens = 0;
};

// One finished continuation. `tokens` only when log-probabilities were asked for, echoed prompt
// first.
struct ChoiceResult {
  uint32_t index = 0;
  std::string text;
  std::vector<TokenEvent> tokens;
  FinishReason reason = FinishReason::kStop;
};

struct FormatOptions {
  bool include_usage = false;
  std::optional<uint32_t> logprobs;  // alternatives to show; absent: no logprobs object
};

class ResponseFormat {
 public:
  virtual ~ResponseFormat() = default;

  void SetHead(ResponseHead head) { head_ = std::move(head); }

  // "chatcmpl-" or "cmpl-".
  virtual std::string_view id_prefix() const = 0;
  // The chunk that opens a choice, or an empty string when there is none.
  virtual std::string FirstChunk(uint32_t index) = 0;
  // A piece of text. `tokens` as in ChoiceResult.
  virtual std::string TextChunk(uint32_t index, std::string_view text,
                                std::span<const TokenEvent> tokens) = 0;
  virtual std::string FinishChunk(uint32_t index, FinishReason reason) = 0;
  // The chunk without choices, for include_usage.
  virtual std::string UsageChunk(const Usage& usage) = 0;
  // The whole answer; `choices` in order of index.
  virtual std::string Body(std::span<const ChoiceResult> choices, const Usage& usage) = 0;

 protected:
  ResponseHead head_;
};

std::unique_ptr<ResponseFormat> MakeChatFormat(const FormatOptions& options);
std::unique_ptr<ResponseFormat> MakeCompletionFormat(const FormatOptions& options);

}  // namespace windrose::router
