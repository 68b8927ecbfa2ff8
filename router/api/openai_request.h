// OpenAI request bodies: JSON text to checked plain requests, for both generation endpoints.
//
// Every optional field may be null, which means its default. Unknown fields are ignored; fields
// that would change the meaning of the answer and that we do not serve are refused with
// `unsupported_parameter`. Errors are INVALID_ARGUMENT with an ErrorDetail that names the field.
// What needs the model (context length, vocabulary, the order of roles) is checked by the
// coordinator. Values and pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "router/api/json.h"
#include "router/values/generation_values.h"

namespace windrose::router {

struct RequestLimits {
  JsonLimits json;
  uint32_t choices_per_prompt = 8;   // n
  uint32_t prompts = 64;             // of one completion request
  uint32_t prompt_tokens = 100'000;  // ids of one prompt
  uint32_t messages = 10'000;
  uint32_t top_logprobs = 20;         // chat
  uint32_t completion_logprobs = 20;  // completions; OpenAI's own limit is 5
  uint32_t stop_strings = 4;
  size_t stop_bytes = 256;     // of one stop string
  uint32_t logit_bias = 1024;  // entries
  size_t label_bytes = 4096;   // user, safety_identifier, …; a metadata key and its value
  size_t model_bytes = 256;
};

// What both endpoints share.
struct GenerationOptions {
  std::string model;  // as the client wrote it
  Sampling sampling;
  std::optional<uint32_t> max_tokens;
  std::vector<std::string> stop;
  uint32_t choices_per_prompt = 1;
  bool stream = false;
  bool include_usage = false;
  bool ignore_eos = false;
};

struct ChatRequest {
  GenerationOptions options;
  ChatPrompt prompt;
  bool logprobs = false;
  uint32_t top_logprobs = 0;
};

struct CompletionRequest {
  GenerationOptions options;
  std::vector<Prompt> prompts;  // TextPrompt or TokenPrompt; at least one
  std::optional<uint32_t> logprobs;
  bool echo = false;
};

StatusOr<ChatRequest> ParseChatRequest(std::string_view body, const RequestLimits& limits);
StatusOr<CompletionRequest> ParseCompletionRequest(std::string_view body,
                                                   const RequestLimits& limits);

}  // namespace windrose::router
