// Executor: drives the queue and the computation on one thread, and hands replies back.
//
// Owned by main. Submit, Forget, Drain and Stop are thread-safe; Run is called once, on the thread
// that owns the compute pool, and returns after Stop or, once draining, when nothing waits any
// more. A reply is handed to the receiver for every call that was accepted, unless its caller was
// forgotten.
#pragma once

#include <cstdint>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "expert-worker/exec/batch_computer.h"
#include "expert-worker/exec/work_queue.h"

namespace windrose {

// Called on the executor's thread. Must not block.
class ReplyReceiver {
 public:
  virtual ~ReplyReceiver() = default;
  virtual void OnReply(ComputedReply reply) = 0;
};

// Told what happens to calls, for metrics. Called on the executor's thread.
class ExecutorObserver {
 public:
  virtual ~ExecutorObserver() = default;
  // Calls of one layer go into computation; they waited this long, each.
  virtual void OnCallStarted(Duration waited) = 0;
  virtual void OnCallExpired() = 0;
};

class Executor {
 public:
  Executor(const WorkQueueLimits& limits, BatchComputer& computer, const Clock& clock,
           ExecutorObserver* observer);
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // RESOURCE_EXHAUSTED when the queue is full, UNAVAILABLE once draining; `call` is then untouched.
  Status Submit(AcceptedCall&& call);

  // The caller's link is gone: what it waits for is not computed.
  void Forget(CallerId caller);

  // Accepts nothing more; Run returns when what was accepted is answered.
  void Drain();

  // Run returns after the batch under way.
  void Stop();

  // Computes until Drain or Stop. `receiver` outlives it.
  void Run(ReplyReceiver& receiver);

  uint32_t waiting_rows() const;

 private:
  WorkBatch NextBatch();  // Empty when Run must end.
  void Answer(ComputedReply reply, ReplyReceiver& receiver);

  BatchComputer& computer_;
  const Clock& clock_;
  ExecutorObserver* const observer_;
  mutable Mutex mutex_;
  CondVar changed_;
  WorkQueue queue_ WINDROSE_GUARDED_BY(mutex_);
  bool draining_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool stopped_ WINDROSE_GUARDED_BY(mutex_) = false;
};

}  // namespace windrose
