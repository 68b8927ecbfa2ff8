#include "common/net/backoff.h"

#include <algorithm>

namespace windrose {

Duration BackoffDelay(const BackoffPolicy& policy, uint32_t attempt, double uniform) {
  const double maximum = static_cast<double>(policy.maximum.count());
  double delay = static_cast<double>(policy.initial.count());
  for (uint32_t i = 0; i < attempt && delay < maximum; ++i) delay *= policy.multiplier;
  delay = std::min(delay, maximum) * (1.0 + policy.jitter * (2.0 * uniform - 1.0));
  return Duration(static_cast<int64_t>(std::clamp(delay, 0.0, maximum)));
}

}  // namespace windrose
