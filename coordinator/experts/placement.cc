#include "coordinator/experts/placement.h"

#include <algorithm>

namespace windrose {

bool CoversAllExperts(const Placement& placement) {
  return std::none_of(placement.holders.begin(), placement.holders.end(),
                      [](const std::vector<WorkerId>& holders) { return holders.empty(); });
}

}  // namespace windrose
