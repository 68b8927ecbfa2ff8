#include "coordinator/server/generate_call.h"

#include <grpc/support/time.h>

#include <utility>

#include "common/net/request_taken.h"
#include "coordinator/server/error_detail.h"
#include "coordinator/server/event_translator.h"

namespace windrose {

void GenerateCall::Start(size_t request_bytes, std::function<StatusOr<Request>()> translate) {
  self_ = shared_from_this();
  const Status taken = Take();
  if (!taken.ok()) return End(taken);
  StartTimer();
  request_bytes_ = request_bytes;
  translate_ = std::move(translate);
  context_->AddInitialMetadata(kRequestTakenKey, "1");
  StartSendInitialMetadata();
}

// Refuses what would be refused in any case before tokens are made of a long prompt.
Status GenerateCall::Take() {
  RETURN_IF_ERROR(environment_->registry.Add(self_));
  return environment_->generator.Admits();
}

// From here on the router knows that we have the request, should it be our end.
void GenerateCall::OnSendInitialMetadataDone(bool ok) {
  if (!ok) return End(Cancelled("the stream broke"));
  const Status waits = environment_->texts.Do(
      request_bytes_, [self = shared_from_this()] { self->TranslateAndSubmit(); });
  if (!waits.ok()) End(waits);
}

// gRPC's thread, or that of long texts. The call may have ended while it waited.
void GenerateCall::TranslateAndSubmit() {
  if (!Hold()) return;
  const Status submitted = Submit(translate_());
  if (!submitted.ok()) End(submitted);
  Release();
}

Status GenerateCall::Submit(StatusOr<Request> request) {
  RETURN_IF_ERROR(request.status());
  prompt_tokens_ = static_cast<uint32_t>(request->prompt.size());
  max_tokens_ = request->max_tokens;
  uint64_t ticket = 0;
  RETURN_IF_ERROR(environment_->generator.Submit(std::move(request).value(), self_, &ticket));
  KeepTicket(ticket);
  return OkStatus();
}

// The call may have been aborted while it was on its way to the engine.
void GenerateCall::KeepTicket(uint64_t ticket) {
  bool aborted = false;
  {
    MutexLock lock(mutex_);
    ticket_ = ticket;
    aborted = aborted_;
  }
  if (aborted) environment_->generator.Cancel(ticket);
}

void GenerateCall::StartTimer() {
  const auto limit =
      std::chrono::duration_cast<std::chrono::milliseconds>(environment_->time_limit);
  const gpr_timespec deadline =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(limit.count(), GPR_TIMESPAN));
  timer_.Set(deadline, [weak = weak_from_this()](bool expired) {
    const std::shared_ptr<GenerateCall> call = weak.lock();
    if (!expired || call == nullptr) return;
    call->Abort(DeadlineExceeded("the server's time limit for one request has passed"));
    call->BreakStalledWrite();
  });
}

void GenerateCall::OnStarted(std::vector<TokenEvent> echoed_prompt) {
  Push(TranslateStarted(environment_->model, environment_->tokenizer, prompt_tokens_, echoed_prompt,
                        max_tokens_));
}

void GenerateCall::OnToken(TokenEvent event) {
  Push(TranslateToken(environment_->tokenizer, std::move(event)));
}

void GenerateCall::OnFinished(windrose::Finish finish) {
  Push(TranslateFinish(prompt_tokens_, std::move(finish)));
  End(OkStatus());
}

void GenerateCall::OnError(const Status& status) { End(status); }

void GenerateCall::Abort(const Status& reason) {
  std::optional<uint64_t> ticket;
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    if (aborted_ || finished_) return;
    aborted_ = true;
    // An answer that is complete but not yet written is given up as well.
    if (!end_ || end_->ok()) end_ = reason;
    events_.clear();
    ticket = ticket_;
    action = NextAction();
  }
  if (ticket) environment_->generator.Cancel(*ticket);
  Perform(action);
}

// A client that reads nothing keeps a write under way for ever. Its stream is cut; the hold keeps
// gRPC from letting go of the context meanwhile.
void GenerateCall::BreakStalledWrite() {
  {
    MutexLock lock(mutex_);
    if (!writing_) return;
  }
  if (!Hold()) return;
  context_->TryCancel();
  Release();
}

// False when the call is finished: what is gRPC's may be gone any moment.
bool GenerateCall::Hold() {
  MutexLock lock(mutex_);
  if (finished_) return false;
  ++holds_;
  return true;
}

void GenerateCall::Release() {
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    --holds_;
    action = NextAction();
  }
  Perform(action);
}

void GenerateCall::OnWriteDone(bool ok) {
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    writing_ = false;
    action = ok ? NextAction() : Action::kNothing;
  }
  if (ok) return Perform(action);
  Abort(Cancelled("the stream broke"));
  {
    MutexLock lock(mutex_);
    action = NextAction();  // had it been aborted before, it still waits for its end
  }
  Perform(action);
}

void GenerateCall::OnCancel() { Abort(Cancelled("the client went away, or its deadline passed")); }

void GenerateCall::OnDone() {
  const std::shared_ptr<GenerateCall> self = std::move(self_);
  timer_.Cancel();
  StatusCode code = StatusCode::kUnknown;
  {
    MutexLock lock(mutex_);
    if (end_) code = end_->code();
  }
  environment_->observer.OnCallEnded("Generate", code, environment_->clock.Now() - began_);
  environment_->registry.Remove(self);
}

void GenerateCall::Push(inference::v1::GenerateEvent event) {
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    if (end_) return;
    events_.push_back(std::move(event));
    action = NextAction();
  }
  Perform(action);
}

void GenerateCall::End(const Status& status) {
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    if (end_) return;
    end_ = status;
    // An error takes effect at once; the tokens that still wait would only delay it.
    if (!status.ok()) events_.clear();
    action = NextAction();
  }
  Perform(action);
}

GenerateCall::Action GenerateCall::NextAction() {
  if (writing_ || finished_) return Action::kNothing;
  if (!events_.empty()) {
    writing_event_ = std::move(events_.front());
    events_.pop_front();
    writing_ = true;
    return Action::kWrite;
  }
  if (!end_ || holds_ > 0) return Action::kNothing;
  finished_ = true;
  return Action::kFinish;
}

// Outside the lock: gRPC may call back. After Finish nothing of this object is touched.
void GenerateCall::Perform(Action action) {
  if (action == Action::kWrite) {
    StartWrite(&writing_event_);
  } else if (action == Action::kFinish) {
    Status end;
    {
      MutexLock lock(mutex_);
      end = *end_;
    }
    Finish(ToGrpcStatus(end, environment_->retry_after_ms));
  }
}

}  // namespace windrose
