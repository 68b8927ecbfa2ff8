// ManualEventLoop: an EventLoop in virtual time, which jumps from event to event, in an order that
// depends on nothing but the seed. Thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "common/base/event_loop.h"

namespace windrose {

class ManualEventLoop final : public EventLoop {
 public:
  TimePoint Now() const override { return now_; }
  void Post(Task task) override { After(Duration{}, std::move(task)); }
  uint64_t After(Duration delay, Task task) override;
  void CancelTimer(uint64_t timer_id) override;
  bool RunUntil(const std::function<bool()>& done, TimePoint deadline) override;

  // Mixes `value` and the time into the trace. The same seed must give the same trace.
  void Trace(uint64_t value);
  uint64_t trace_hash() const { return trace_hash_; }

 private:
  TimePoint now_{Seconds(1)};
  uint64_t next_id_ = 1;
  std::map<std::pair<TimePoint, uint64_t>, Task> events_;
  uint64_t trace_hash_ = 0;
};

}  // namespace windrose
