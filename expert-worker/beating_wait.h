// WaitBeating: a long wait of main that leaves neither probes nor coordinators in doubt. Pure; no
// clock.
#pragma once

#include <algorithm>
#include <functional>

#include "common/base/time.h"

namespace windrose {

// Waits by `wait`, which blocks for at most the time it is given and returns true when what it
// waits for has come. Beats before each wait, none of which is longer than `period`. False when
// `limit` has passed.
inline bool WaitBeating(const std::function<bool(Duration)>& wait, Duration limit, Duration period,
                        const std::function<void()>& beat) {
  while (limit > Duration{}) {
    const Duration part = std::min(limit, period);
    beat();
    if (wait(part)) return true;
    limit -= part;
  }
  return false;
}

}  // namespace windrose
