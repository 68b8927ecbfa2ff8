// RestartPause: how long a process that died waits before it starts again.
//
// Not at all after a healthy life; from the first pause up to the last, doubling, while it keeps
// dying young. One per process. Thread-compatible.
#pragma once

#include "common/base/time.h"

namespace windrose::cli {

class RestartPause {
 public:
  static constexpr Duration kFirst = Milliseconds(20);
  static constexpr Duration kLongest = Seconds(5);
  static constexpr Duration kHealthyLife = Seconds(10);

  // A life of at least `healthy_life` counts as healthy.
  explicit RestartPause(Duration healthy_life = kHealthyLife) : healthy_life_(healthy_life) {}

  // The pause after a life of `lived`.
  Duration After(Duration lived);

 private:
  Duration healthy_life_;
  Duration next_ = Duration::zero();
};

}  // namespace windrose::cli
