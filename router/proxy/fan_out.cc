#include "router/proxy/fan_out.h"

#include <algorithm>
#include <utility>

namespace windrose::router {
namespace {

RequestPlan MakePlan(const GenerationOptions& options, const std::string& request_id,
                     uint64_t drawn_seed) {
  RequestPlan plan;
  plan.choices_per_prompt = options.choices_per_prompt;
  plan.stream = options.stream;
  plan.format.include_usage = options.include_usage;
  GenerateCall& call = plan.call;
  call.request_id = request_id;
  call.model = options.model;
  call.sampling = options.sampling;
  if (!call.sampling.seed.has_value()) call.sampling.seed = drawn_seed;
  call.max_tokens = options.max_tokens;
  call.stop = options.stop;
  call.ignore_eos = options.ignore_eos;
  return plan;
}

// At most: a text has no more tokens than bytes, and <s>.
uint64_t TokensOf(const Prompt& prompt) {
  if (const auto* tokens = std::get_if<TokenPrompt>(&prompt)) return tokens->ids.size();
  const auto* const text = std::get_if<TextPrompt>(&prompt);
  return text == nullptr ? 0 : text->text.size() + 1;
}

}  // namespace

RequestPlan PlanChat(ChatRequest request, const std::string& request_id, uint64_t drawn_seed) {
  RequestPlan plan = MakePlan(request.options, request_id, drawn_seed);
  plan.is_chat = true;
  if (request.logprobs) plan.call.logprobs = request.top_logprobs;
  plan.format.logprobs = plan.call.logprobs;
  plan.prompts.emplace_back(std::move(request.prompt));
  return plan;
}

RequestPlan PlanCompletion(CompletionRequest request, const std::string& request_id,
                           uint64_t drawn_seed) {
  RequestPlan plan = MakePlan(request.options, request_id, drawn_seed);
  plan.call.logprobs = request.logprobs;
  plan.format.logprobs = request.logprobs;
  plan.call.echo = request.echo;
  plan.prompts = std::move(request.prompts);
  return plan;
}

GenerateCall CallOf(const RequestPlan& plan, size_t choice) {
  GenerateCall call = plan.call;
  call.prompt = plan.PromptOf(choice);
  *call.sampling.seed += choice % plan.choices_per_prompt;
  return call;
}

uint64_t LogprobValues(const RequestPlan& plan, uint32_t context_length) {
  if (plan.stream || !plan.call.logprobs.has_value()) return 0;
  uint64_t values = 0;
  for (const Prompt& prompt : plan.prompts) {
    uint64_t tokens = plan.call.max_tokens.value_or(context_length);
    if (plan.call.echo) tokens += TokensOf(prompt);
    if (context_length > 0) tokens = std::min<uint64_t>(tokens, context_length);
    values += tokens * (uint64_t{1} + *plan.call.logprobs) * plan.choices_per_prompt;
  }
  return values;
}

}  // namespace windrose::router
