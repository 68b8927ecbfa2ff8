// Exponential backoff with jitter. Pure; the random number is the caller's.
#pragma once

#include <cstdint>

#include "common/base/time.h"

namespace windrose {

struct BackoffPolicy {
  Duration initial = Milliseconds(20);
  Duration maximum = Milliseconds(500);
  double multiplier = 1.6;
  double jitter = 0.2;  // the delay is spread over [1 - jitter, 1 + jitter], within maximum
};

// The pause before attempt `attempt` (0 is the first retry). `uniform` in [0, 1).
Duration BackoffDelay(const BackoffPolicy& policy, uint32_t attempt, double uniform);

}  // namespace windrose
