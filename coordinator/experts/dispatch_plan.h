// From the gate's choice to who computes what. Pure functions on values; no I/O.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/experts/placement.h"
#include "coordinator/experts/replica_balance.h"
#include "coordinator/values/batch.h"

namespace windrose {

// The pairs of `gate`, grouped by expert, ascending. Experts that nobody wants do not appear.
std::vector<PlanSegment> GroupByExpert(const GateOutput& gate, size_t expert_count);

// Gives each expert's pairs to a holder, or in parts to several (replica_balance.h). `segments` in
// any order; one expert may stand in several. `load`, `costs` and `turn` as in ShareOut. Pairs
// whose expert has no holder are left in `plan.unplaced`.
DispatchPlan PlanDispatch(const std::vector<PlanSegment>& segments, const Placement& placement,
                          std::vector<double> load, const ShareCosts& costs, uint64_t turn);

// `share` in parts of at most `max_pairs` pairs each, for a worker that takes no more in one frame.
std::vector<WorkerShare> SplitShare(const WorkerShare& share, size_t max_pairs);

}  // namespace windrose
