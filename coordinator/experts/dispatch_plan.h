// From the gate's choice to who computes what. Pure functions on values; no I/O.
#pragma once

#include <span>
#include <vector>

#include "coordinator/experts/placement.h"
#include "coordinator/experts/replica_balancer.h"
#include "coordinator/values/batch.h"

namespace windrose {

// The pairs of `gate`, grouped by expert, ascending. Experts that nobody wants do not appear.
std::vector<PlanSegment> GroupByExpert(const GateOutput& gate, size_t expert_count);

// Gives each segment to a holder. Segments without one are left in `plan.unplaced`, whole.
DispatchPlan PlanDispatch(std::vector<PlanSegment> segments, const Placement& placement,
                          ReplicaBalancer& balancer, std::vector<double> load);

// `share` in parts of at most `max_pairs` pairs each, for a worker that takes no more in one frame.
std::vector<WorkerShare> SplitShare(const WorkerShare& share, size_t max_pairs);

}  // namespace windrose
