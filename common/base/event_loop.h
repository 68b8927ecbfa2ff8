// EventLoop: the one thread that owns a component's state, and its time.
//
// Other threads Post() messages; the owner runs them in order. The real loop (ThreadEventLoop)
// waits on a condition; the simulation's loop jumps from event to event in virtual time. Nothing
// that runs on a loop may block otherwise: whoever must wait calls RunUntil, which goes on running
// what arrives.
#pragma once

#include <cstdint>
#include <functional>

#include "common/base/time.h"

namespace windrose {

using Task = std::function<void()>;

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Monotonic. Thread-safe.
  virtual TimePoint Now() const = 0;

  // Appends `task`; it runs on the loop's thread inside a RunUntil. Thread-safe.
  virtual void Post(Task task) = 0;

  // Runs `task` once `delay` has passed. Returns an id for CancelTimer. Loop thread only.
  virtual uint64_t After(Duration delay, Task task) = 0;

  // Forgets a timer; unknown and past ids are ignored. Loop thread only.
  virtual void CancelTimer(uint64_t timer_id) = 0;

  // Runs tasks and timers until `done()` holds or `deadline` has passed; returns the last `done()`.
  // `done` is asked before the first task and after each. May be nested. Loop thread only.
  virtual bool RunUntil(const std::function<bool()>& done, TimePoint deadline) = 0;
};

}  // namespace windrose
