#include "tests/support/manual_event_loop.h"

#include <algorithm>

namespace windrose {

uint64_t ManualEventLoop::After(Duration delay, Task task) {
  const uint64_t id = next_id_++;
  events_.emplace(std::make_pair(now_ + delay, id), std::move(task));
  return id;
}

void ManualEventLoop::CancelTimer(uint64_t timer_id) {
  std::erase_if(events_, [timer_id](const auto& event) { return event.first.second == timer_id; });
}

bool ManualEventLoop::RunUntil(const std::function<bool()>& done, TimePoint deadline) {
  while (!done()) {
    if (events_.empty() || events_.begin()->first.first > deadline) {
      now_ = std::max(now_, deadline);
      return done();
    }
    auto event = events_.extract(events_.begin());
    now_ = std::max(now_, event.key().first);
    event.mapped()();
  }
  return true;
}

void ManualEventLoop::Trace(uint64_t value) {
  const auto time = static_cast<uint64_t>(now_.time_since_epoch().count());
  for (const uint64_t part : {value, time}) {
    trace_hash_ = (trace_hash_ ^ part) * 0x9E3779B97F4A7C15;
    trace_hash_ ^= trace_hash_ >> 29;
  }
}

}  // namespace windrose
