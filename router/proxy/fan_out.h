// Fan-out: one OpenAI request to the generations that answer it, one per choice. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "router/api/openai_request.h"
#include "router/api/openai_response.h"
#include "router/values/generation_values.h"

namespace windrose::router {

// Choice prompt * choices_per_prompt + i is number i of that prompt. The choices of a prompt have
// the seeds base, base + 1, …, where base is the client's seed or `drawn_seed`.
struct RequestPlan {
  GenerateCall call;            // of every choice, but for the prompt; the seed is the base
  std::vector<Prompt> prompts;  // at least one
  uint32_t choices_per_prompt = 1;
  bool stream = false;
  FormatOptions format;
  bool is_chat = false;

  size_t choice_count() const { return prompts.size() * choices_per_prompt; }
  const Prompt& PromptOf(size_t choice) const { return prompts[choice / choices_per_prompt]; }
};

RequestPlan PlanChat(ChatRequest request, const std::string& request_id, uint64_t drawn_seed);
RequestPlan PlanCompletion(CompletionRequest request, const std::string& request_id,
                           uint64_t drawn_seed);

// The call of one choice. Made when the choice begins: all calls at once would hold what they
// share, a logit bias of thousands of entries perhaps, hundreds of times.
GenerateCall CallOf(const RequestPlan& plan, size_t choice);

// How many log-probabilities a whole answer may hold, at most; 0 for a stream, which holds none.
// `context_length`: of the model, or 0 when nobody has told it yet.
uint64_t LogprobValues(const RequestPlan& plan, uint32_t context_length);

}  // namespace windrose::router
