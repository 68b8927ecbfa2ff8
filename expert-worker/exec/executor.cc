#include "expert-worker/exec/executor.h"

#include <utility>

namespace windrose {

Executor::Executor(const WorkQueueLimits& limits, BatchComputer& computer, const Clock& clock,
                   ExecutorObserver* observer)
    : computer_(computer), clock_(clock), observer_(observer), queue_(limits) {}

Status Executor::Submit(AcceptedCall&& call) {
  {
    MutexLock lock(mutex_);
    if (draining_ || stopped_) return Unavailable("executor: this worker is draining");
    RETURN_IF_ERROR(queue_.Push(std::move(call)));
  }
  changed_.NotifyOne();
  return OkStatus();
}

void Executor::Forget(CallerId caller) {
  MutexLock lock(mutex_);
  queue_.Drop(caller);
}

void Executor::Drain() {
  {
    MutexLock lock(mutex_);
    draining_ = true;
  }
  changed_.NotifyAll();
}

void Executor::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  changed_.NotifyAll();
}

void Executor::Run(ReplyReceiver& receiver) {
  for (WorkBatch batch = NextBatch(); !batch.empty(); batch = NextBatch()) {
    for (const AcceptedCall& call : batch.expired) {
      if (observer_ != nullptr) observer_->OnCallExpired();
      Answer(FailedReply(call, StatusCode::kDeadlineExceeded), receiver);
    }
    if (batch.calls.empty()) continue;
    const TimePoint now = clock_.Now();
    for (const AcceptedCall& call : batch.calls) {
      if (observer_ != nullptr) observer_->OnCallStarted(now - call.arrived);
    }
    for (ComputedReply& reply : computer_.Compute(batch.calls)) {
      Answer(std::move(reply), receiver);
    }
  }
}

WorkBatch Executor::NextBatch() {
  MutexLock lock(mutex_);
  while (queue_.waiting_calls() == 0 && !draining_ && !stopped_) changed_.Wait(mutex_);
  if (stopped_) return {};
  return queue_.Pop(clock_.Now());
}

void Executor::Answer(ComputedReply reply, ReplyReceiver& receiver) {
  reply.frame.service = clock_.Now() - reply.arrived;
  reply.frame.queued_rows = waiting_rows();
  receiver.OnReply(std::move(reply));
}

uint32_t Executor::waiting_rows() const {
  MutexLock lock(mutex_);
  return queue_.waiting_rows();
}

}  // namespace windrose
