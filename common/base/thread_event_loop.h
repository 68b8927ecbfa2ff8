// ThreadEventLoop: the real EventLoop, a queue with a condition variable.
//
// The thread that calls RunUntil is the loop's thread; there is one. Timers live in a map ordered
// by time, so equal times run in the order they were set.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "common/base/event_loop.h"
#include "common/base/mutex.h"

namespace windrose {

class ThreadEventLoop final : public EventLoop {
 public:
  explicit ThreadEventLoop(const Clock& clock) : clock_(clock) {}

  TimePoint Now() const override { return clock_.Now(); }
  void Post(Task task) override;
  uint64_t After(Duration delay, Task task) override;
  void CancelTimer(uint64_t timer_id) override;
  bool RunUntil(const std::function<bool()>& done, TimePoint deadline) override;

 private:
  bool RunOne();  // Runs one due timer or one message; false when none.
  void WaitForWork(TimePoint deadline);

  const Clock& clock_;
  uint64_t next_timer_id_ = 1;
  std::map<std::pair<TimePoint, uint64_t>, Task> timers_;  // loop thread only
  Mutex mutex_;
  CondVar arrived_;
  std::deque<Task> messages_ WINDROSE_GUARDED_BY(mutex_);
};

}  // namespace windrose
