#include "router/proxy/fan_out.h"

#include <algorithm>
#include <utility>

namespace windrose::router {
namespace {

GenerateCall MakeCall(const GenerationOptions& options, const std::string& request_id) {
  GenerateCall call;
  call.request_id = request_id;
  call.model = options.model;
  call.sampling = options.sampling;
  call.max_tokens = options.max_tokens;
  call.stop = options.stop;
  call.ignore_eos = options.ignore_eos;
  return call;
}

void AddChoices(const GenerateCall& call, uint32_t count, uint64_t drawn_seed, RequestPlan& plan) {
  const uint64_t base = call.sampling.seed.value_or(drawn_seed);
  for (uint32_t i = 0; i < count; ++i) {
    plan.calls.push_back(call);
    plan.calls.back().sampling.seed = base + i;
  }
}

RequestPlan MakePlan(const GenerationOptions& options) {
  RequestPlan plan;
  plan.choices_per_prompt = options.choices_per_prompt;
  plan.stream = options.stream;
  plan.format.include_usage = options.include_usage;
  return plan;
}

// At most: a text has no more tokens than bytes, and <s>.
uint64_t EchoedTokens(const GenerateCall& call) {
  if (!call.echo) return 0;
  if (const auto* tokens = std::get_if<TokenPrompt>(&call.prompt)) return tokens->ids.size();
  const auto* const text = std::get_if<TextPrompt>(&call.prompt);
  return text == nullptr ? 0 : text->text.size() + 1;
}

}  // namespace

RequestPlan PlanChat(ChatRequest request, const std::string& request_id, uint64_t drawn_seed) {
  RequestPlan plan = MakePlan(request.options);
  plan.is_chat = true;
  GenerateCall call = MakeCall(request.options, request_id);
  if (request.logprobs) call.logprobs = request.top_logprobs;
  plan.format.logprobs = call.logprobs;
  call.prompt = std::move(request.prompt);
  AddChoices(call, request.options.choices_per_prompt, drawn_seed, plan);
  return plan;
}

RequestPlan PlanCompletion(CompletionRequest request, const std::string& request_id,
                           uint64_t drawn_seed) {
  RequestPlan plan = MakePlan(request.options);
  plan.format.logprobs = request.logprobs;
  GenerateCall call = MakeCall(request.options, request_id);
  call.logprobs = request.logprobs;
  call.echo = request.echo;
  for (Prompt& prompt : request.prompts) {
    call.prompt = std::move(prompt);
    AddChoices(call, request.options.choices_per_prompt, drawn_seed, plan);
  }
  return plan;
}

uint64_t LogprobValues(const RequestPlan& plan, uint32_t context_length) {
  uint64_t values = 0;
  for (const GenerateCall& call : plan.calls) {
    if (plan.stream || !call.logprobs.has_value()) continue;
    uint64_t tokens = EchoedTokens(call) + call.max_tokens.value_or(context_length);
    if (context_length > 0) tokens = std::min<uint64_t>(tokens, context_length);
    values += tokens * (uint64_t{1} + *call.logprobs);
  }
  return values;
}

}  // namespace windrose::router
