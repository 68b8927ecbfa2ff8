// Placement: which workers hold which experts, as one coordinator sees it now. An immutable
// snapshot.
//
// The dispatcher makes a new one, with a higher epoch, at each change of membership; a plan is made
// from exactly one. There is no registry: every coordinator has its own view.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/ids.h"

namespace windrose {

struct Placement {
  uint64_t epoch = 0;
  std::vector<std::vector<WorkerId>> holders;  // [experts], each ascending; empty: no worker now
  // [experts], likewise: who holds it as well, but is late; asked for what the holders cannot do.
  std::vector<std::vector<WorkerId>> suspects;

  size_t expert_count() const { return holders.size(); }
};

// True when every expert has a worker.
bool CoversAllExperts(const Placement& placement);

}  // namespace windrose
