#include "cli/cluster/restart_pause.h"

#include <algorithm>

namespace windrose::cli {

Duration RestartPause::After(Duration lived) {
  if (lived >= healthy_life_) next_ = Duration::zero();
  const Duration pause = next_;
  next_ = std::clamp(2 * pause, kFirst, kLongest);
  return pause;
}

}  // namespace windrose::cli
