#include "common/base/thread_event_loop.h"

#include <algorithm>

namespace windrose {

void ThreadEventLoop::Post(Task task) {
  {
    MutexLock lock(mutex_);
    messages_.push_back(std::move(task));
  }
  arrived_.NotifyOne();
}

uint64_t ThreadEventLoop::After(Duration delay, Task task) {
  const uint64_t timer_id = next_timer_id_++;
  timers_.emplace(std::make_pair(Now() + delay, timer_id), std::move(task));
  return timer_id;
}

void ThreadEventLoop::CancelTimer(uint64_t timer_id) {
  std::erase_if(timers_, [timer_id](const auto& timer) { return timer.first.second == timer_id; });
}

bool ThreadEventLoop::RunUntil(const std::function<bool()>& done, TimePoint deadline) {
  while (!done()) {
    if (RunOne()) continue;
    if (Now() >= deadline) return false;
    WaitForWork(deadline);
  }
  return true;
}

bool ThreadEventLoop::RunOne() {
  if (!timers_.empty() && timers_.begin()->first.first <= Now()) {
    auto timer = timers_.extract(timers_.begin());
    timer.mapped()();
    return true;
  }
  Task task;
  {
    MutexLock lock(mutex_);
    if (messages_.empty()) return false;
    task = std::move(messages_.front());
    messages_.pop_front();
  }
  task();
  return true;
}

void ThreadEventLoop::WaitForWork(TimePoint deadline) {
  const TimePoint first_timer = timers_.empty() ? deadline : timers_.begin()->first.first;
  const TimePoint wake_at = std::min(deadline, first_timer);
  MutexLock lock(mutex_);
  while (messages_.empty()) {
    // The far future overflows the system's wait on some kernels; a second at a time never does.
    const TimePoint limit = std::min(wake_at, Now() + Seconds(1));
    if (!arrived_.WaitUntil(mutex_, limit) && Now() >= wake_at) return;
  }
}

}  // namespace windrose
