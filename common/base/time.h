// Durations, time points and the Clock interface.
//
// All timers are monotonic; wall time exists only for what people read (`created`, logs). Code
// takes a Clock or an EventLoop and never asks the system itself, so that a simulation can own the
// time.
#pragma once

#include <chrono>
#include <cstdint>

namespace windrose {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

constexpr Duration Microseconds(int64_t count) { return std::chrono::microseconds(count); }
constexpr Duration Milliseconds(int64_t count) { return std::chrono::milliseconds(count); }
constexpr Duration Seconds(int64_t count) { return std::chrono::seconds(count); }
constexpr double ToSeconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic.
  virtual TimePoint Now() const = 0;
  // Seconds since the Unix epoch; for people only, never for timers.
  virtual int64_t UnixSeconds() const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  TimePoint Now() const override;
  int64_t UnixSeconds() const override;
};

}  // namespace windrose
