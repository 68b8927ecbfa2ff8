// DeadlineEstimator: how long an answer may take before its rows go to another worker as well.
//
// Keeps a moving average of round trips per size class (powers of two of rows), for all workers
// together. A pure state machine on durations: no clock of its own. Engine thread only.
#pragma once

#include <array>
#include <cstddef>

#include "common/base/time.h"

namespace windrose {

struct DeadlineLimits {
  Duration floor = Milliseconds(150);  // never sooner than this
  Duration initial = Seconds(10);      // while nothing is known of any size
  Duration ceiling = Seconds(60);
  double tolerance = 6;  // times the average round trip
};

class DeadlineEstimator {
 public:
  explicit DeadlineEstimator(const DeadlineLimits& limits) : limits_(limits) {}

  void Observe(size_t rows, Duration round_trip);

  // The limit for a call of `rows`, the `attempt`-th for its pairs (from 0): it doubles with each,
  // so that a cluster that is slow as a whole is not made slower by repeats.
  Duration Limit(size_t rows, uint32_t attempt) const;

 private:
  static constexpr size_t kClasses = 16;
  double Expected(size_t size_class) const;  // nanoseconds; 0 when nothing is known

  const DeadlineLimits limits_;
  std::array<double, kClasses> average_{};  // nanoseconds; 0: never seen
};

}  // namespace windrose
