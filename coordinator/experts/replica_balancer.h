// ReplicaBalancer: which holder of an expert gets its rows. Owned by the dispatcher; engine thread
// only.
//
// The one with the least outstanding work, with hysteresis: an expert stays with its worker until
// another's load is lower by a margin, because a worker that just read an expert's weights has them
// in its cache, and because a choice that flaps helps nobody. Where rows go never changes a result.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/ids.h"
#include "coordinator/experts/placement.h"

namespace windrose {

class ReplicaBalancer {
 public:
  explicit ReplicaBalancer(size_t expert_count) : current_(expert_count) {}

  // A holder of `expert`, whose load grows by `rows`; nullopt when there is none. `load` is indexed
  // by WorkerId, in rows.
  std::optional<WorkerId> Choose(ExpertId expert, size_t rows, const Placement& placement,
                                 std::vector<double>& load);

 private:
  std::vector<std::optional<WorkerId>> current_;  // [experts] the last choice
};

}  // namespace windrose
