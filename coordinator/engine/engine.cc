#include "coordinator/engine/engine.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace windrose {
namespace {

static_assert(kKvBlockSize == KvCache::kBlockSize, "scheduler and cache cut alike");

constexpr char kAborted[] = "abort";
constexpr char kFailed[] = "error";

const char* OutcomeName(FinishReason reason) {
  return reason == FinishReason::kStop ? "stop" : "length";
}

// The sequence a request begins with: its prompt and what an earlier attempt already emitted.
Sequence BeginSequence(uint64_t ticket, const Request& request) {
  Sequence sequence;
  sequence.id = SequenceId(ticket);
  sequence.under_way = !request.resume.empty();
  sequence.tokens = request.prompt;
  sequence.tokens.insert(sequence.tokens.end(), request.resume.begin(), request.resume.end());
  sequence.prompt_length = static_cast<uint32_t>(request.prompt.size());
  return sequence;
}

}  // namespace

Engine::Engine(const EngineLimits& limits, const EngineParts& parts)
    : limits_(limits),
      parts_(parts),
      scheduler_(limits.scheduler),
      activations_(parts.config, limits.scheduler.max_batch_rows, parts.dispatcher.bf16_order()),
      workspace_(parts.config.vocabulary) {}

Engine::~Engine() = default;

Status Engine::Submit(Request request, std::shared_ptr<TokenSink> sink, uint64_t* ticket) {
  // Counted before it is asked whether we drain: Run returns only when what was counted has ended.
  const Status accepted = CheckAccepts(request, unfinished_.fetch_add(1));
  if (!accepted.ok()) {
    --unfinished_;
    return accepted;
  }
  *ticket = next_ticket_++;
  parts_.loop.Post(
      [this, id = *ticket, request = std::move(request), sink = std::move(sink)]() mutable {
        Admit(id, std::move(request), std::move(sink));
      });
  return OkStatus();
}

Status Engine::Admits() const { return CheckAdmits(unfinished_); }

Status Engine::CheckAdmits(uint32_t others) const {
  if (draining_) return Unavailable("draining: this coordinator takes no new requests");
  if (!parts_.dispatcher.Serving(limits_.expert_grace)) {
    return Unavailable("expert_unavailable: " + NotReadyReason());
  }
  if (others < limits_.scheduler.max_sequences + limits_.max_waiting) return OkStatus();
  return ResourceExhausted("server_overloaded: " + std::to_string(limits_.max_waiting) +
                           " requests are waiting already");
}

Status Engine::CheckAccepts(const Request& request, uint32_t others) const {
  RETURN_IF_ERROR(CheckAdmits(others));
  const uint32_t positions = static_cast<uint32_t>(request.prompt.size()) + request.max_tokens;
  if (scheduler_.FitsCache(positions)) return OkStatus();
  return InvalidArgument("prompt and answer of " + std::to_string(positions) +
                         " tokens do not fit the KV cache of " +
                         std::to_string(scheduler_.blocks_total() * kKvBlockSize));
}

void Engine::Cancel(uint64_t ticket) {
  parts_.loop.Post([this, ticket] { cancelled_.push_back(ticket); });
}

std::string Engine::NotReadyReason() const {
  if (draining_) return "draining";
  const std::optional<ExpertId> missing = parts_.dispatcher.MissingExpert();
  if (!missing) return "";
  return "expert " + std::to_string(missing->value()) + " has no ready worker";
}

void Engine::Run() {
  KeepReporting();
  while (!stopping_) {
    if (RunOnce()) continue;
    ReportLoad();
    parts_.loop.RunUntil([this] { return stopping_ || HasWork(); }, TimePoint::max());
  }
  parts_.loop.CancelTimer(report_timer_);
  // Some may have been accepted just before Stop, and be on their way here.
  const Status status = Unavailable("draining: this coordinator stops");
  while (unfinished_ > 0) {
    parts_.loop.RunUntil([this] { return !active_.empty() || unfinished_ == 0; },
                         parts_.loop.Now() + limits_.heartbeat);
    while (!active_.empty()) EndWithError(active_.begin()->first, kAborted, status);
  }
}

void Engine::Stop() {
  draining_ = true;
  stopping_ = true;
  parts_.dispatcher.Stop();
  parts_.loop.Post([] {});
}

// As a timer of the loop, which also runs while a step waits for its experts: the thread is seen to
// be alive however long that takes.
void Engine::KeepReporting() {
  ReportLoad();
  report_timer_ = parts_.loop.After(limits_.heartbeat, [this] { KeepReporting(); });
}

// What is here by now. What arrives meanwhile waits for the next turn: else steps would wait for as
// long as messages come faster than they are taken in.
void Engine::TakeMessages() {
  bool taken = false;
  parts_.loop.Post([&taken] { taken = true; });
  parts_.loop.RunUntil([&taken] { return taken; }, TimePoint::max());
}

bool Engine::RunOnce() {
  TakeMessages();
  TakeCancelled();
  const Batch batch = scheduler_.Schedule();
  if (batch.spans.empty()) return false;
  RunStep(batch);
  return true;
}

bool Engine::HasWork() const { return !cancelled_.empty() || !scheduler_.idle(); }

void Engine::Admit(uint64_t ticket, Request request, std::shared_ptr<TokenSink> sink) {
  auto active = std::make_unique<ActiveRequest>(std::move(request), std::move(sink),
                                                parts_.tokenizer, parts_.config.eos);
  active->submitted = parts_.loop.Now();
  active->sequence = BeginSequence(ticket, active->request);
  if (active->WantsPromptLogprobs()) active->sequence.echo_from = 0;
  for (const TokenId token : active->request.prompt) active->history.AddPrompt(token);
  for (const TokenId token : active->request.resume) {
    active->history.AddGenerated(token);
    if (!active->answer.finish()) active->answer.Append(token);
  }
  if (active->request.max_tokens == 0) active->answer.EndAtLimit();
  ActiveRequest& added = *active;
  active_.emplace(ticket, std::move(active));
  if (!added.WantsPromptLogprobs()) {
    for (uint32_t index = 0; added.request.echo && index < added.request.prompt.size(); ++index) {
      added.echoed.push_back({.id = added.request.prompt[index], .index = index});
    }
    FinishStarted(added);
    // An answer that the resumed tokens completed, or of no tokens at all, needs no step.
    if (added.answer.finish()) return End(ticket, OutcomeName(added.answer.finish()->reason));
  }
  scheduler_.Add(added.sequence);
}

void Engine::FinishStarted(ActiveRequest& active) {
  active.started = true;
  active.sink->OnStarted(std::move(active.echoed));
}

void Engine::TakeCancelled() {
  for (const uint64_t ticket : std::exchange(cancelled_, {})) {
    if (active_.contains(ticket)) EndWithError(ticket, kAborted, Cancelled("cancelled"));
  }
}

void Engine::RunStep(const Batch& batch) {
  const TimePoint began = parts_.loop.Now();
  own_stages_ = {};
  for (const BatchSpan& span : batch.spans) {
    TimePoint& scheduled = active_.at(span.sequence.value())->scheduled;
    if (scheduled == TimePoint{}) scheduled = began;
  }
  const uint32_t prefill_rows = PrefillRows(batch);
  const StatusOr<const Logits*> logits = parts_.step.Run(batch, parts_.kv, activations_);
  if (!logits.ok()) return FailBatch(batch, logits.status());
  FailNotFinite();
  TakeLogits(batch, **logits);
  ReportStep(batch, prefill_rows, parts_.loop.Now() - began);
}

// All rows but those of the newest token of a running answer.
uint32_t Engine::PrefillRows(const Batch& batch) const {
  auto rows = static_cast<uint32_t>(batch.row_count());
  for (const BatchSpan& span : batch.spans) {
    const Sequence& sequence = active_.at(span.sequence.value())->sequence;
    if (sequence.pending() == 1 && span.first_position >= sequence.prompt_length) --rows;
  }
  return rows;
}

void Engine::FailBatch(const Batch& batch, const Status& status) {
  if (stopping_) return;  // Run() ends them all.
  parts_.log.Error("step_failed", {{"sequences", batch.spans.size()}, {"why", ToString(status)}});
  const bool no_expert = status.code() == StatusCode::kUnavailable;
  const Status told = no_expert ? Annotate(status, "expert_unavailable") : status;
  for (const BatchSpan& span : batch.spans) EndWithError(span.sequence.value(), kFailed, told);
}

void Engine::FailNotFinite() {
  for (const SequenceId sequence : parts_.step.not_finite()) {
    parts_.log.Error("sequence_not_finite",
                     {{"request", active_.at(sequence.value())->request.id}});
    EndWithError(sequence.value(), kFailed,
                 Internal("the model came to values that are not finite"));
  }
}

void Engine::TakeLogits(const Batch& batch, const Logits& logits) {
  for (const BatchSpan& span : batch.spans) {
    if (active_.contains(span.sequence.value())) TakeSpan(span, batch, logits);
  }
}

void Engine::TakeSpan(const BatchSpan& span, const Batch& batch, const Logits& logits) {
  ActiveRequest& active = *active_.at(span.sequence.value());
  Sequence& sequence = active.sequence;
  sequence.computed += span.row_count;
  const auto first =
      std::lower_bound(batch.logit_rows.begin(), batch.logit_rows.end(), span.first_logit_row);
  auto index = static_cast<size_t>(first - batch.logit_rows.begin());
  const uint32_t end_row = span.first_row + span.row_count;
  for (uint32_t row = span.first_logit_row; row < end_row; ++row, ++index) {
    TakeEchoed(active, batch.positions[row], logits.row(index));
  }
  if (sequence.pending() == 0) DrawToken(active, logits.row(index - 1));
}

void Engine::TakeEchoed(ActiveRequest& active, uint32_t position, std::span<const float> logits) {
  const std::vector<TokenId>& prompt = active.request.prompt;
  if (active.started || position != active.sequence.echo_from || position >= prompt.size()) return;
  if (position == 0) active.echoed.push_back({.id = prompt[0], .index = 0});
  ++active.sequence.echo_from;
  if (position + 1 == prompt.size()) return FinishStarted(active);
  LogprobResult result =
      Logprobs(logits, prompt[position + 1], *active.request.logprobs, workspace_);
  active.echoed.push_back({.id = prompt[position + 1],
                           .index = position + 1,
                           .text = {},
                           .logprob = result.chosen,
                           .top = std::move(result.top)});
}

void Engine::DrawToken(ActiveRequest& active, std::span<const float> logits) {
  const uint64_t ticket = active.sequence.id.value();
  if (active.answer.finish()) return End(ticket, OutcomeName(active.answer.finish()->reason));
  const TimePoint began = parts_.loop.Now();
  const TokenId token = Sample(logits, active.request.sampling, active.history,
                               active.sequence.tokens.size(), workspace_);
  TokenEvent event{.id = token, .index = active.answer.token_count()};
  if (active.request.logprobs) {
    LogprobResult result = Logprobs(logits, token, *active.request.logprobs, workspace_);
    event.logprob = result.chosen;
    event.top = std::move(result.top);
  }
  const TimePoint sampled = parts_.loop.Now();
  active.history.AddGenerated(token);
  active.sequence.tokens.push_back(token);
  event.text = active.answer.Append(token);
  if (active.first_token == TimePoint{}) {
    active.first_token = sampled;
  } else {
    parts_.observer.OnToken(sampled - active.last_token);
  }
  active.last_token = sampled;
  active.sink->OnToken(std::move(event));
  own_stages_[static_cast<size_t>(Stage::kSample)] += sampled - began;
  own_stages_[static_cast<size_t>(Stage::kDetokenize)] += parts_.loop.Now() - sampled;
  if (active.answer.finish()) End(ticket, OutcomeName(active.answer.finish()->reason));
}

void Engine::End(uint64_t ticket, const char* outcome) {
  const auto found = active_.find(ticket);
  const std::unique_ptr<ActiveRequest> active = std::move(found->second);
  active_.erase(found);
  scheduler_.Remove(active->sequence);
  --unfinished_;
  const auto since_submission = [&](TimePoint then) {
    return then == TimePoint{} ? Duration{} : then - active->submitted;
  };
  parts_.observer.OnRequestEnd(
      {.request_id = active->request.id,
       .outcome = outcome,
       .prompt_tokens = static_cast<uint32_t>(active->request.prompt.size()),
       .generated_tokens = active->answer.token_count(),
       .queued = since_submission(active->scheduled),
       .first_token = since_submission(active->first_token),
       .total = parts_.loop.Now() - active->submitted});
  if (active->answer.finish()) active->sink->OnFinished(*active->answer.finish());
}

void Engine::EndWithError(uint64_t ticket, const char* outcome, const Status& status) {
  const std::shared_ptr<TokenSink> sink = active_.at(ticket)->sink;
  active_.at(ticket)->answer.Discard();
  End(ticket, outcome);
  sink->OnError(status);
}

void Engine::ReportStep(const Batch& batch, uint32_t prefill_rows, Duration duration) {
  const RoutingTally& tally = parts_.step.tally();
  StepReport report{.duration = duration,
                    .stages = parts_.step.stage_times(),
                    .rows = static_cast<uint32_t>(batch.row_count()),
                    .prefill_rows = prefill_rows,
                    .sequences = static_cast<uint32_t>(batch.spans.size()),
                    .assignments = tally.assignments,
                    .gate_weights = tally.gate_weights,
                    .expert_rows = tally.step_rows};
  for (size_t stage = 0; stage < kStageCount; ++stage) report.stages[stage] += own_stages_[stage];
  parts_.observer.OnStep(report);
  ReportLoad();
}

void Engine::ReportLoad() {
  parts_.observer.OnLoad({.running = scheduler_.running_count(),
                          .waiting = scheduler_.waiting_count(),
                          .kv_blocks_used = scheduler_.blocks_used(),
                          .kv_blocks_total = scheduler_.blocks_total(),
                          .preemptions = scheduler_.preemptions()});
  parts_.observer.OnDispatch(parts_.dispatcher.Stats());
}

}  // namespace windrose
