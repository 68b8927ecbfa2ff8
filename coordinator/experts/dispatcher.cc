#include "coordinator/experts/dispatcher.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace windrose {
namespace {

// Where one worker is enough, workers take turns by so many layers: one that has just answered is
// still awake, and what it read still near. Turns of one layer took a tenth longer.
constexpr uint64_t kLayersOfATurn = 64;

// Whether `others`, a placement that avoids `worker`, has a holder for the segment's expert.
bool AnotherHolds(const PlanSegment& segment, const Placement& others, WorkerId worker) {
  const std::vector<WorkerId>& holders = others.holders[segment.expert.value()];
  return !holders.empty() && holders.front() != worker;
}

}  // namespace

Dispatcher::Dispatcher(const DispatchShape& shape, const DispatchLimits& limits, EventLoop& loop,
                       ExpertTransport& transport, Log& log)
    : shape_(shape),
      costs_(CostsOf(shape.expert)),
      limits_(limits),
      loop_(loop),
      transport_(transport),
      log_(log),
      workers_(shape.expert_count, loop.Now()),
      estimator_(limits.deadlines),
      missing_since_(loop.Now()),
      missing_expert_(0) {
  stats_.failovers.resize(shape.expert_count);
  transport_.SetListener(this);
}

Dispatcher::~Dispatcher() { transport_.SetListener(nullptr); }

DispatchPlan Dispatcher::Plan(const GateOutput& gate) {
  DispatchPlan plan = PlanOf(GroupByExpert(gate, shape_.expert_count), *workers_.placement());
  plan.top_k = gate.top_k;
  return plan;
}

DispatchPlan Dispatcher::PlanOf(const std::vector<PlanSegment>& segments,
                                const Placement& placement) {
  return PlanDispatch(segments, placement, workers_.TakeLoad(), costs_,
                      next_dispatch_id_ / kLayersOfATurn);
}

Status Dispatcher::Exchange(LayerIndex layer, const DispatchPlan& plan, std::span<const float> rows,
                            ExpertOutputs& outputs) {
  const wire::FrameHeader header{.type = shape_.row_type,
                                 .order = shape_.bf16_order,
                                 .model_hash = shape_.model_hash,
                                 .epoch = plan.epoch,
                                 .dispatch_id = DispatchId(next_dispatch_id_++),
                                 .attempt = 0,
                                 .layer = layer,
                                 .hidden = shape_.hidden};
  LayerExchange exchange(header, plan.top_k, rows, outputs);
  active_ = &exchange;
  exchange_deadline_ = loop_.Now() + limits_.exchange_limit;
  retry_pause_ = limits_.retry_pause;
  ++stats_.exchanges;
  SendPlan(plan);
  const TimePoint sent = loop_.Now();
  const Status status = WaitForAnswers();
  waited_ += loop_.Now() - sent;
  active_ = nullptr;
  parked_.clear();
  return status;
}

Status Dispatcher::WaitForAnswers() {
  while (!active_->done()) {
    RETURN_IF_ERROR(CheckGoesOn());
    RETURN_IF_ERROR(CheckParked());
    const uint64_t epoch = workers_.placement()->epoch;
    const TimePoint wake_up = NextWakeUp();
    const auto changed = [&] { return stopping_ || epoch != workers_.placement()->epoch; };
    // What was parked or sent meanwhile may be due sooner.
    const auto sooner = [&] { return NextWakeUp() < wake_up; };
    loop_.RunUntil([&] { return active_->done() || changed() || sooner(); }, wake_up);
    parked_ = active_->Unanswered(parked_);  // A late answer may have come.
    HandleOverdue();
    if (!parked_.empty() && (loop_.Now() >= retry_at_ || changed())) {
      retry_pause_ = std::min(2 * retry_pause_, limits_.longest_pause);
      Redispatch(std::exchange(parked_, {}), active_->Able(*workers_.placement()));
    }
  }
  return OkStatus();
}

TimePoint Dispatcher::NextWakeUp() const {
  TimePoint wake_up =
      std::min(exchange_deadline_, active_->NextDeadline().value_or(TimePoint::max()));
  if (!parked_.empty()) wake_up = std::min(wake_up, std::max(retry_at_, loop_.Now()));
  return wake_up;
}

Status Dispatcher::CheckGoesOn() const {
  if (stopping_) return Unavailable("this coordinator stops");
  if (loop_.Now() < exchange_deadline_) return OkStatus();
  return DeadlineExceeded("expert workers did not answer a layer within " +
                          std::to_string(ToSeconds(limits_.exchange_limit)) + " s");
}

Status Dispatcher::CheckParked() const {
  if (parked_.empty()) return OkStatus();
  const Placement able = active_->Able(*workers_.placement());
  for (const PlanSegment& segment : parked_) {
    const auto since = workers_.MissingSince(segment.expert);
    if (!since && able.holders[segment.expert.value()].empty()) {
      return Internal("expert " + std::to_string(segment.expert.value()) +
                      ": every worker that holds it refused its rows for good");
    }
    if (since && loop_.Now() - *since >= limits_.expert_wait) {
      return Unavailable("expert " + std::to_string(segment.expert.value()) +
                         " has had no worker for " +
                         std::to_string(ToSeconds(limits_.expert_wait)) + " s");
    }
  }
  return OkStatus();
}

void Dispatcher::SendPlan(DispatchPlan plan) {
  std::vector<OutgoingCall> calls;
  for (const WorkerShare& share : plan.shares) {
    for (const WorkerShare& part : SplitShare(share, workers_.max_rows(share.worker))) {
      calls.push_back(MakeCall(part));
    }
  }
  transport_.SendAll(calls);
  Park(std::move(plan.unplaced));
}

OutgoingCall Dispatcher::MakeCall(const WorkerShare& share) {
  const TimePoint now = loop_.Now();
  ExpertCall call{.worker = share.worker, .segments = share.segments, .sent = now};
  for (const PlanSegment& segment : share.segments) {
    const PairHistory history = active_->HistoryOf(segment, share.worker);
    call.row_count += segment.pairs.size();
    call.repeat |= history.sent;
    call.overdue = std::max(call.overdue, history.overdue);
    if (history.moved) ++stats_.failovers[segment.expert.value()];
  }
  if (call.repeat) ++stats_.retries;
  const Duration limit = estimator_.Limit(call.row_count, call.overdue);
  call.deadline = now + limit;
  // The worker's budget is more generous than our deadline: a late answer may still be the first.
  const Duration budget = std::min<Duration>(limit * 4, exchange_deadline_ - now);
  OutgoingCall outgoing = active_->MakeCall(std::move(call), workers_.placement()->epoch, budget);
  WorkerStats& stats = workers_.stats(share.worker);
  ++stats.calls;
  stats.rows_sent += outgoing.call.row_count;
  stats.bytes_sent += outgoing.call.rows.size();
  return outgoing;
}

void Dispatcher::Redispatch(const std::vector<PlanSegment>& segments, const Placement& placement) {
  if (!segments.empty()) SendPlan(PlanOf(segments, placement));
}

void Dispatcher::Park(std::vector<PlanSegment> segments) {
  if (segments.empty()) return;
  retry_at_ = loop_.Now() + retry_pause_;
  for (PlanSegment& segment : segments) parked_.push_back(std::move(segment));
}

void Dispatcher::HandleOverdue() {
  const std::vector<uint32_t> overdue = active_->Overdue(loop_.Now());
  std::set<WorkerId> silent;
  for (const uint32_t attempt : overdue) silent.insert(active_->call(attempt).worker);
  for (const WorkerId worker : silent) SuspectWorker(worker);
  for (const uint32_t attempt : overdue) HandleOverdueCall(attempt);
}

void Dispatcher::SuspectWorker(WorkerId worker) {
  const uint32_t in_a_row = workers_.Suspect(worker, loop_.Now());
  if (in_a_row < limits_.resets_after) return;
  transport_.Reset(worker, DeadlineExceeded("deadlines passed several times in a row"));
}

void Dispatcher::HandleOverdueCall(uint32_t attempt) {
  const ExpertCall& call = active_->call(attempt);
  active_->MarkOverdue(attempt);
  ++workers_.stats(call.worker).overdue;
  log_.Warn("expert_call_overdue", {{"worker", call.worker.value()},
                                    {"rows", call.row_count},
                                    {"waited_ms", (loop_.Now() - call.sent).count() / 1'000'000}});
  const Placement others = active_->Able(workers_.Avoiding(call.worker));
  const bool somebody_else = std::all_of(
      call.segments.begin(), call.segments.end(),
      [&](const PlanSegment& segment) { return AnotherHolds(segment, others, call.worker); });
  if (somebody_else) return Redispatch(active_->TakeBack(attempt), others);
  active_->Extend(attempt, loop_.Now() + estimator_.Limit(call.row_count, call.overdue));
}

void Dispatcher::OnWorkerUp(WorkerId worker, const WorkerDescription& description) {
  workers_.Up(worker, description, loop_.Now());
  PublishMissing();
  log_.Info("worker_up", {{"worker", worker.value()},
                          {"address", description.address},
                          {"experts", description.experts.size()},
                          {"epoch", workers_.placement()->epoch}});
}

void Dispatcher::OnWorkerDown(WorkerId worker, const Status& why) {
  workers_.Down(worker, loop_.Now());
  PublishMissing();
  log_.Warn(
      "worker_down",
      {{"worker", worker.value()}, {"why", ToString(why)}, {"epoch", workers_.placement()->epoch}});
  Fail(worker);
}

// An address that comes with each new pod must not be shown for ever, and as one that is down.
void Dispatcher::OnWorkerGone(WorkerId worker) { workers_.stats(worker) = WorkerStats(); }

void Dispatcher::OnWorkerDraining(WorkerId worker) {
  workers_.Draining(worker, loop_.Now());
  PublishMissing();
  log_.Info("worker_draining", {{"worker", worker.value()}});
}

void Dispatcher::OnReply(WorkerId worker, const wire::ReplyFrame& reply) {
  workers_.Answered(worker, reply.queued_rows, loop_.Now());
  if (active_ == nullptr || active_->id() != reply.header.dispatch_id) {
    ++stats_.late_replies;
    return;
  }
  const StatusOr<std::vector<RefusedSegment>> refused = active_->TakeReply(worker, reply);
  if (!refused.ok()) return OnBadReply(worker, refused.status());
  const ExpertCall& call = active_->call(reply.header.attempt);
  WorkerStats& stats = workers_.stats(worker);
  stats.bytes_received += reply.rows.size();
  if (!refused->empty()) return HandleRefusal(call, *refused);
  ++stats.replies;
  stats.round_trips += loop_.Now() - call.sent;
  estimator_.Observe(call.row_count, loop_.Now() - call.sent);
}

// A refusal is an answer, though it says nothing of how long a computation takes. Whoever is full
// or late is relieved once by others that are not late themselves; if they are full, too, all get a
// pause. Whoever can never compute these rows is not asked for them again. Rows that came back not
// finite are asked for once more, of another worker if there is one.
void Dispatcher::HandleRefusal(const ExpertCall& call, const std::vector<RefusedSegment>& refused) {
  ++workers_.stats(call.worker).errors;
  const Placement others = active_->Able(workers_.Avoiding(call.worker));
  std::vector<PlanSegment> at_once;
  std::vector<PlanSegment> later;
  for (const RefusedSegment& part : refused) {
    LogRefusal(call.worker, part);
    if (part.segment.pairs.empty()) continue;
    const bool move =
        AnotherHolds(part.segment, others, call.worker) &&
        (part.for_good() || part.doubted || (!call.repeat && HasTrusted(part.segment, others)));
    (move ? at_once : later).push_back(part.segment);
  }
  Redispatch(at_once, others);
  Park(std::move(later));
}

// Of one expert all holders of a placement are suspect, or none.
bool Dispatcher::HasTrusted(const PlanSegment& segment, const Placement& placement) {
  const std::vector<WorkerId>& holders = placement.holders[segment.expert.value()];
  return !holders.empty() && !workers_.stats(holders.front()).suspect;
}

void Dispatcher::LogRefusal(WorkerId worker, const RefusedSegment& part) {
  if (part.doubted) {
    log_.Warn("expert_rows_not_finite", {{"worker", worker.value()},
                                         {"expert", part.segment.expert.value()},
                                         {"rows", part.segment.pairs.size()}});
  } else if (part.for_good()) {
    log_.Warn("expert_rows_refused", {{"worker", worker.value()},
                                      {"expert", part.segment.expert.value()},
                                      {"code", absl::StatusCodeToString(part.code)}});
  }
}

void Dispatcher::OnBadReply(WorkerId worker, const Status& why) {
  log_.Warn("bad_reply", {{"worker", worker.value()}, {"why", ToString(why)}});
  workers_.Down(worker, loop_.Now());
  PublishMissing();
  transport_.Reset(worker, why);
  Fail(worker);
}

void Dispatcher::Fail(WorkerId worker) {
  if (active_ == nullptr) return;
  std::vector<PlanSegment> lost;
  for (const uint32_t attempt : active_->CallsTo(worker)) {
    ++workers_.stats(worker).errors;
    for (PlanSegment& segment : active_->TakeBack(attempt)) lost.push_back(std::move(segment));
  }
  Redispatch(lost, active_->Able(*workers_.placement()));
}

void Dispatcher::Stop() {
  stopping_ = true;
  loop_.Post([] {});  // wakes it up
}

bool Dispatcher::Serving(Duration grace) const {
  const TimePoint since = missing_since_;
  return since == TimePoint::max() || (grace > Duration{} && loop_.Now() - since < grace);
}

std::optional<ExpertId> Dispatcher::MissingExpert() const {
  const uint32_t expert = missing_expert_;
  return expert < shape_.expert_count ? std::optional(ExpertId(expert)) : std::nullopt;
}

void Dispatcher::PublishMissing() {
  TimePoint earliest = TimePoint::max();
  uint32_t missing = shape_.expert_count;
  for (uint32_t expert = 0; expert < shape_.expert_count; ++expert) {
    const TimePoint since = workers_.MissingSince(ExpertId(expert)).value_or(TimePoint::max());
    if (since < earliest) missing = expert;
    earliest = std::min(earliest, since);
  }
  missing_expert_ = missing;
  missing_since_ = earliest;
}

DispatchStats Dispatcher::Stats() const {
  DispatchStats stats = stats_;
  workers_.Report(stats);
  return stats;
}

}  // namespace windrose
