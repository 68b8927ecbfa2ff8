// Fan-out: one OpenAI request to the generations that answer it, one per choice. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "router/api/openai_request.h"
#include "router/api/openai_response.h"
#include "router/values/generation_values.h"

namespace windrose::router {

// calls[prompt * choices_per_prompt + i] is choice i of that prompt. The choices of a prompt have
// the seeds base, base + 1, …, where base is the client's seed or `drawn_seed`.
struct RequestPlan {
  std::vector<GenerateCall> calls;
  uint32_t choices_per_prompt = 1;
  bool stream = false;
  FormatOptions format;
  bool is_chat = false;
};

RequestPlan PlanChat(ChatRequest request, const std::string& request_id, uint64_t drawn_seed);
RequestPlan PlanCompletion(CompletionRequest request, const std::string& request_id,
                           uint64_t drawn_seed);

// How many log-probabilities a whole answer may hold, at most; 0 for a stream, which holds none.
// `context_length`: of the model, or 0 when nobody has told it yet.
uint64_t LogprobValues(const RequestPlan& plan, uint32_t context_length);

}  // namespace windrose::router
