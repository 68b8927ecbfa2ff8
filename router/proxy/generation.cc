#include "router/proxy/generation.h"

#include <utility>

#include "router/proxy/replay_policy.h"
#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

Status WithCode(const Status& status, const std::string& code) {
  return WithDetail(status, ErrorDetail{.code = code, .param = "", .retry_after_ms = 0});
}

double UniformOf(Entropy& entropy) { return static_cast<double>(entropy.Next() >> 11) * 0x1.0p-53; }

}  // namespace

Generation::Generation(Parts& parts, GenerateCall call, TimePoint deadline,
                       GenerationListener& listener)
    : parts_(parts), call_(std::move(call)), deadline_(deadline), listener_(listener) {
  if (!call_.sampling.seed.has_value()) call_.sampling.seed = parts_.entropy.Next();
}

Generation::~Generation() { Close(); }

void Generation::Start() {
  last_token_ = parts_.loop.Now();
  deadline_timer_ = parts_.loop.After(deadline_ - parts_.loop.Now(), [this] {
    Fail(WithCode(DeadlineExceeded("the request's deadline passed"), "timeout"));
  });
  Attempt();
}

void Generation::SetPaused(bool paused) {
  paused_ = paused;
  last_event_ = parts_.loop.Now();
  if (stream_ != nullptr) stream_->SetPaused(paused);
}

void Generation::Attempt() {
  if (!waiting_since_.has_value()) waiting_since_ = parts_.loop.Now();
  lease_ = parts_.coordinators.Pick(call_.model, avoid_);
  if (lease_) return Open();
  if (wait_timer_ == 0) {
    const TimePoint limit = *waiting_since_ + parts_.options.wait_limit;
    wait_timer_ = parts_.loop.After(limit - parts_.loop.Now(), [this] { GiveUpAfterWait(); });
  }
  if (!avoid_.empty()) return PauseThenAttempt();
  await_id_ = parts_.coordinators.AwaitUp([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock() == nullptr || await_id_ == 0) return;
    await_id_ = 0;
    Attempt();
  });
}

void Generation::Open() {
  if (attempts_++ > 0) parts_.probe.OnReplay();
  parts_.loop.CancelTimer(std::exchange(wait_timer_, 0));
  last_event_ = parts_.loop.Now();
  stream_ = lease_->client->Generate(call_, deadline_, *this);
  if (paused_) stream_->SetPaused(true);
  WatchSilence(parts_.options.silence_limit);
}

bool Generation::SameAnswer(const StartedEvent& event) const {
  return event.model == started_->model && event.prompt_tokens == started_->prompt_tokens;
}

void Generation::OnStarted(StartedEvent event) {
  last_event_ = parts_.loop.Now();
  waiting_since_.reset();
  if (started_.has_value()) {
    if (!SameAnswer(event)) {
      return AfterDeath(
          Internal("coordinator " + lease_->address + " read the request differently"));
    }
    if (event.system_fingerprint != started_->system_fingerprint) {
      parts_.log.Warn("replay_on_other_build", {{"request_id", call_.request_id},
                                                {"first", started_->system_fingerprint},
                                                {"now", event.system_fingerprint}});
    }
    return;
  }
  patient_ = true;
  started_ = StartedEvent{.model = event.model,
                          .prompt_tokens = event.prompt_tokens,
                          .prompt = {},
                          .system_fingerprint = event.system_fingerprint,
                          .max_tokens = event.max_tokens};
  // Without a limit of its own, the answer ends where the context of this coordinator does.
  if (!call_.max_tokens.has_value()) call_.max_tokens = event.max_tokens;
  listener_.OnStarted(std::move(event));
}

void Generation::OnToken(TokenEvent event) {
  if (!started_.has_value() || event.index != call_.resume_tokens.size()) {
    return AfterDeath(Internal("coordinator " + lease_->address + " sent token " +
                               std::to_string(event.index) + " where " +
                               std::to_string(call_.resume_tokens.size()) + " was due"));
  }
  last_event_ = parts_.loop.Now();
  if (!call_.resume_tokens.empty()) parts_.probe.OnInterToken(last_event_ - last_token_);
  last_token_ = last_event_;
  call_.resume_tokens.push_back(event.id);
  deaths_ = 0;
  EndTurn();
  attempts_ = 1;
  avoid_.clear();
  listener_.OnToken(std::move(event));
}

void Generation::OnFinished(FinishedEvent event) {
  if (!started_.has_value()) {
    return AfterDeath(Internal("coordinator " + lease_->address + " finished before it started"));
  }
  Close();
  listener_.OnFinished(std::move(event));
}

void Generation::OnFailed(const Status& status) {
  switch (ClassifyFailure(status, started_.has_value())) {
    case FailureAction::kFail:
      return Fail(status);
    case FailureAction::kTryOther:
      return AfterRefusal(status);
    case FailureAction::kTryReady:
      return AfterExpertLoss(status);
    case FailureAction::kReplay:
      return stream_->Taken() ? AfterDeath(status) : Leave(status);
  }
}

void Generation::AfterDeath(const Status& status) {
  waiting_since_.reset();
  if (++deaths_ < parts_.options.death_limit) return Leave(status);
  NoteBroken(status);
  parts_.probe.OnQuarantine();
  Fail(WithCode(Internal("given up: the request was in flight when " + std::to_string(deaths_) +
                         " coordinators in a row died"),
                "request_quarantined"));
}

void Generation::Leave(const Status& status) {
  NoteBroken(status);
  TryAgain();
}

void Generation::NoteBroken(const Status& status) {
  last_failure_ = status;
  avoid_.insert(lease_->address);
  parts_.log.Warn("generation_broken", {{"request_id", call_.request_id},
                                        {"coordinator", lease_->address},
                                        {"tokens", call_.resume_tokens.size()},
                                        {"reason", Message(status)}});
  parts_.coordinators.ReportBroken(*lease_);
}

void Generation::AfterRefusal(const Status& status) {
  NoteRefused(status);
  const bool overloaded = status.code() == StatusCode::kResourceExhausted;
  // Who waits for a full coordinator only adds to its queue.
  if (overloaded && !patient_ && !parts_.coordinators.HasOther(call_.model, avoid_)) {
    return Fail(status);
  }
  TryAgain();
}

// The coordinator has waited for the expert already, so nobody is waited for here.
void Generation::AfterExpertLoss(const Status& status) {
  NoteRefused(status);
  if (!parts_.coordinators.HasReadyOther(call_.model, avoid_)) return Fail(status);
  TryAgain();
}

void Generation::NoteRefused(const Status& status) {
  last_failure_ = status;
  avoid_.insert(lease_->address);
  parts_.coordinators.ReportRefused(*lease_);
}

void Generation::TryAgain() {
  stream_.reset();
  lease_ = CoordinatorLease();
  parts_.loop.CancelTimer(std::exchange(silence_timer_, 0));
  if (IsSuspect() && suspect_id_ == 0) return AwaitTurn();
  Attempt();
}

void Generation::AwaitTurn() {
  parts_.log.Warn("generation_suspect", {{"request_id", call_.request_id}, {"deaths", deaths_}});
  suspect_id_ = parts_.suspects.Enter([this] { Attempt(); });
}

void Generation::EndTurn() {
  if (suspect_id_ != 0) parts_.suspects.Leave(std::exchange(suspect_id_, 0));
}

void Generation::PauseThenAttempt() {
  avoid_.clear();
  const uint32_t retry = attempts_ == 0 ? 0 : attempts_ - 1;
  const Duration pause = BackoffDelay(parts_.options.pause, retry, UniformOf(parts_.entropy));
  pause_timer_ = parts_.loop.After(pause, [this] {
    pause_timer_ = 0;
    Attempt();
  });
}

void Generation::GiveUpAfterWait() {
  wait_timer_ = 0;
  if (!started_.has_value()) parts_.probe.OnRejected(RejectReason::kNoBackend);
  const std::string code = ErrorCodeOf(last_failure_);
  // Why is for us: it names addresses.
  const std::string reason =
      last_failure_.ok() ? "no coordinator of its model was up" : Message(last_failure_);
  parts_.log.Warn("generation_given_up", {{"request_id", call_.request_id}, {"reason", reason}});
  Fail(WithCode(Unavailable("no coordinator could take the request"),
                code.empty() ? "coordinator_unavailable" : code));
}

void Generation::WatchSilence(Duration delay) {
  parts_.loop.CancelTimer(silence_timer_);
  silence_timer_ = parts_.loop.After(delay, [this] { CheckSilence(); });
}

void Generation::CheckSilence() {
  silence_timer_ = 0;
  const Duration limit = parts_.options.silence_limit;
  const TimePoint now = parts_.loop.Now();
  if (paused_) return WatchSilence(limit);
  if (now - last_event_ < limit) return WatchSilence(limit - (now - last_event_));
  // Who answers probes is at work, on a long prompt or on what came before.
  const bool serves = lease_->up && now - lease_->served_at < limit;
  if (serves || !parts_.coordinators.HasOther(call_.model, {lease_->address})) {
    return WatchSilence(limit / 4);
  }
  waiting_since_.reset();
  Leave(Unavailable("coordinator " + lease_->address + " was silent for too long"));
}

void Generation::CancelTimers() {
  for (uint64_t* const timer : {&deadline_timer_, &silence_timer_, &pause_timer_, &wait_timer_}) {
    if (*timer != 0) parts_.loop.CancelTimer(std::exchange(*timer, 0));
  }
  if (await_id_ != 0) parts_.coordinators.CancelAwait(std::exchange(await_id_, 0));
}

void Generation::Close() {
  CancelTimers();
  EndTurn();
  stream_.reset();
  lease_ = CoordinatorLease();
}

void Generation::Fail(const Status& status) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): Close may destroy it.
  const Status copy = status;
  Close();
  listener_.OnFailed(copy);
}

}  // namespace windrose::router
