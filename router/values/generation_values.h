// One generation as the router sees it: what is asked of a coordinator and the events that come
// back. The same words as proto/windrose/inference/v1, as plain structs. Values; no thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace windrose::router {

struct ChatMessage {
  std::string role;     // system, developer, user, assistant
  std::string content;  // UTF-8

  bool operator==(const ChatMessage&) const = default;
};

struct ChatPrompt {
  std::vector<ChatMessage> messages;
  bool continue_final_message = false;
};

struct TextPrompt {
  std::string text;
  bool omit_bos = false;
};

struct TokenPrompt {
  std::vector<TokenId> ids;
};

using Prompt = std::variant<ChatPrompt, TextPrompt, TokenPrompt>;

// Absent fields mean the coordinator's default, which is OpenAI's.
struct Sampling {
  std::optional<float> temperature;
  std::optional<float> top_p;
  uint32_t top_k = 0;  // 0: off
  float min_p = 0;     // 0: off
  std::optional<uint64_t> seed;
  std::optional<float> repetition_penalty;
  float presence_penalty = 0;
  float frequency_penalty = 0;
  std::map<TokenId, float> logit_bias;
};

// One continuation to generate.
struct GenerateCall {
  std::string request_id;
  std::string model;  // an id or alias; empty: the only model
  Prompt prompt;
  Sampling sampling;
  std::optional<uint32_t> max_tokens;  // absent: to the end of the context
  std::vector<std::string> stop;
  std::optional<uint32_t> logprobs;  // alternatives per token; absent: none at all
  bool echo = false;
  bool ignore_eos = false;
  std::vector<TokenId> resume_tokens;  // emitted by earlier attempts; index of the next one = size
};

struct TokenLogprob {
  TokenId id;
  std::string text;  // the token's own bytes, perhaps a part of a UTF-8 character
  float logprob = 0;
};

struct TokenEvent {
  TokenId id;
  uint32_t index = 0;
  std::string text;  // bytes of the answer that became final with it: whole UTF-8 characters
  std::optional<TokenLogprob> logprob;  // absent for the first prompt token
  std::vector<TokenLogprob> top;        // best first
};

struct StartedEvent {
  std::string model;  // the model's own id
  uint32_t prompt_tokens = 0;
  std::vector<TokenEvent> prompt;  // with echo only
  std::string system_fingerprint;
  std::optional<uint32_t>
      max_tokens;  // as the coordinator understood the call; absent: it is older
};

enum class FinishReason { kStop, kLength };

struct FinishedEvent {
  FinishReason reason = FinishReason::kStop;
  std::string text;  // what was held back and is now final
  std::string stop_string;
  uint32_t prompt_tokens = 0;
  uint32_t generated_tokens = 0;
};

using GenerateEvent = std::variant<StartedEvent, TokenEvent, FinishedEvent>;

// Where a generation's events go: OnStarted once, OnToken for each, then exactly one of OnFinished
// and OnFailed. Called on the router's loop thread. The generation may be destroyed inside any of
// them.
class GenerationListener {
 public:
  virtual ~GenerationListener() = default;
  virtual void OnStarted(StartedEvent event) = 0;
  virtual void OnToken(TokenEvent event) = 0;
  virtual void OnFinished(FinishedEvent event) = 0;
  // `status` carries an ErrorDetail where there is more to say than its code.
  virtual void OnFailed(const Status& status) = 0;
};

struct ModelInfo {
  std::string id;
  uint32_t context_length = 0;
  uint32_t vocabulary_size = 0;
  std::string model_hash;
  std::string system_fingerprint;
  bool ready = false;  // every expert has a ready worker
};

struct TokenizeCall {
  std::string model;
  Prompt prompt;  // ChatPrompt or TextPrompt
};

struct Tokenized {
  std::vector<TokenId> ids;
  std::vector<std::string> pieces;
  uint32_t max_model_length = 0;
};

struct DetokenizeCall {
  std::string model;
  std::vector<TokenId> ids;
};

}  // namespace windrose::router
