// GoldenFixture: what the reference computed for one model, as tools/golden recorded it.
//
//   expected.safetensors holds, for each run N = 0, 1, …
//     N.prompt   I32 [prompt]               token ids
//     N.greedy   I32 [greedy]               the most likely continuation
//     N.logits   F32 [prompt, vocabulary]   one row per position of the prompt
//     N.experts  I32 [layers, fed, top_k]   the gates' choices, by falling probability
//     N.weights  F32 [layers, fed, top_k]   their weights, each row sums to 1
//   where fed = prompt + greedy - 1: the last token of the continuation is not fed again.
//
// A value; thread-compatible.
#pragma once

#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/config.h"

namespace windrose {

struct GoldenRun {
  std::vector<TokenId> prompt;
  std::vector<TokenId> greedy;
  std::vector<float> logits;      // [prompt, vocabulary]
  std::vector<ExpertId> experts;  // [layers, fed, top_k]
  std::vector<float> weights;     // [layers, fed, top_k]

  size_t fed_count() const { return prompt.size() + greedy.size() - 1; }
};

// The runs in `directory`/expected.safetensors, shaped as `config` asks. INVALID_ARGUMENT names the
// tensor that is missing or has another dtype or shape.
StatusOr<std::vector<GoldenRun>> LoadGoldenRuns(const std::string& directory,
                                                const MixtralConfig& config);

}  // namespace windrose
