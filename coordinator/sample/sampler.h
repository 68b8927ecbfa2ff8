// Sampling: from a row of logits to a token. A pure function of what is passed in.
//
// The draw uses the counter-based generator at (seed, position), so a replayed sequence draws the
// same tokens. Order: logit bias; repetition, then frequency and presence penalties; temperature;
// top-k; top-p; min-p. Ties always go to the lower id; NaN counts as minus infinity. Thread-safe
// but for the workspace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "coordinator/values/request.h"

namespace windrose {

// How often a sequence's tokens have occurred. One per sequence. Thread-compatible.
class TokenHistory {
 public:
  struct Count {
    uint32_t prompt = 0;
    uint32_t generated = 0;
  };

  void AddPrompt(TokenId token) { ++counts_[token].prompt; }
  void AddGenerated(TokenId token) { ++counts_[token].generated; }
  const std::unordered_map<TokenId, Count>& counts() const { return counts_; }

 private:
  std::unordered_map<TokenId, Count> counts_;
};

// Buffers of the size of the vocabulary, kept between calls. One per thread.
struct SamplerWorkspace {
  explicit SamplerWorkspace(size_t vocabulary);
  std::vector<float> scores;         // [vocabulary]
  std::vector<float> probabilities;  // [vocabulary]
  std::vector<uint32_t> candidates;  // token ids, at most [vocabulary]
  std::vector<float> piles;          // best scores of some of the tokens each
};

// The next token. logits: [vocabulary], at least one. `position` is the index in the sequence of
// the token to draw. Repetition penalty looks at prompt and answer; frequency and presence
// penalties at the answer. When no token is possible (all minus infinity) the answer is the lowest
// id.
TokenId Sample(std::span<const float> logits, const SamplingParams& params,
               const TokenHistory& history, uint64_t position, SamplerWorkspace& workspace);

// Log-probabilities of the unmodified distribution: of `chosen`, and of the best `top_count` (best
// first, ties lower id first). The same token gives the same float in both places. When all logits
// are minus infinity the distribution counts as uniform.
struct LogprobResult {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};
LogprobResult Logprobs(std::span<const float> logits, TokenId chosen, uint32_t top_count,
                       SamplerWorkspace& workspace);

// The largest logit's token; ties lower id.
TokenId Argmax(std::span<const float> logits);

}  // namespace windrose
