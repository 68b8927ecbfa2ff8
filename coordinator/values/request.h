// What a client asks for, after the edges translated it, and what comes back. Values; no thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace windrose {

// How tokens are drawn. Defaults are OpenAI's. Greedy when temperature is 0.
struct SamplingParams {
  float temperature = 1.0F;
  float top_p = 1.0F;
  uint32_t top_k = 0;  // 0: off
  float min_p = 0.0F;  // 0: off
  uint64_t seed = 0;
  float repetition_penalty = 1.0F;
  float presence_penalty = 0.0F;
  float frequency_penalty = 0.0F;
  std::map<TokenId, float> logit_bias;
};

// One continuation to generate. Checked: ids are in the vocabulary, prompt + max_tokens fit the
// context.
struct Request {
  std::string id;  // for logs
  std::vector<TokenId> prompt;
  std::vector<TokenId> resume;  // emitted by an earlier attempt: replayed, not emitted again
  SamplingParams sampling;
  uint32_t max_tokens = 0;  // generated in all, `resume` counted in
  std::vector<std::string> stop;
  std::optional<uint32_t> logprobs;  // how many alternatives; nullopt: none at all
  bool echo = false;  // prompt tokens come back in Started, with logprobs when asked for
  bool ignore_eos = false;
  // Chat: the answer's first piece loses its one leading space; else the text goes on from the
  // prompt.
  bool drop_leading_space = false;
};

struct TokenLogprob {
  TokenId id;
  float logprob = 0;  // natural logarithm, of the unmodified distribution
};

// One token of the prompt or the answer.
struct TokenEvent {
  TokenId id;
  uint32_t index = 0;  // 0 for the first generated token (or prompt token)
  std::string text;    // bytes of the answer that became final with it
  std::optional<TokenLogprob> logprob;
  std::vector<TokenLogprob> top;  // best first; ties: lower id first
};

enum class FinishReason { kStop, kLength };

struct Finish {
  FinishReason reason = FinishReason::kStop;
  std::string text;         // what was held back and is now final
  std::string stop_string;  // the one that matched, or empty
  uint32_t generated_tokens = 0;
};

// Where a sequence's events go. Called on the engine's thread, in order: OnStarted once, OnToken
// for each, then exactly one of OnFinished and OnError. Must not block.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  virtual void OnStarted(std::vector<TokenEvent> echoed_prompt) = 0;
  virtual void OnToken(TokenEvent event) = 0;
  virtual void OnFinished(Finish finish) = 0;
  virtual void OnError(const Status& status) = 0;
};

}  // namespace windrose
