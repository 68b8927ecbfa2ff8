#include "coordinator/experts/dispatch_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace windrose {

std::vector<PlanSegment> GroupByExpert(const GateOutput& gate, size_t expert_count) {
  std::vector<PlanSegment> by_expert(expert_count);
  for (size_t pair = 0; pair < gate.experts.size(); ++pair) {
    by_expert[gate.experts[pair].value()].pairs.push_back(static_cast<uint32_t>(pair));
  }
  std::vector<PlanSegment> wanted;
  for (size_t expert = 0; expert < expert_count; ++expert) {
    if (by_expert[expert].pairs.empty()) continue;
    by_expert[expert].expert = ExpertId(static_cast<uint32_t>(expert));
    wanted.push_back(std::move(by_expert[expert]));
  }
  return wanted;
}

DispatchPlan PlanDispatch(std::vector<PlanSegment> segments, const Placement& placement,
                          ReplicaBalancer& balancer, std::vector<double> load) {
  DispatchPlan plan;
  plan.epoch = placement.epoch;
  std::map<WorkerId, std::vector<PlanSegment>> by_worker;
  for (PlanSegment& segment : segments) {
    const std::optional<WorkerId> worker =
        balancer.Choose(segment.expert, segment.pairs.size(), placement, load);
    (worker ? by_worker[*worker] : plan.unplaced).push_back(std::move(segment));
  }
  for (auto& [worker, worker_segments] : by_worker) {
    plan.shares.push_back({worker, std::move(worker_segments)});
  }
  return plan;
}

std::vector<WorkerShare> SplitShare(const WorkerShare& share, size_t max_pairs) {
  std::vector<WorkerShare> parts(1, WorkerShare{share.worker, {}});
  size_t room = max_pairs;
  for (const PlanSegment& segment : share.segments) {
    for (size_t begin = 0; begin < segment.pairs.size();) {
      if (room == 0) {
        parts.push_back(WorkerShare{share.worker, {}});
        room = max_pairs;
      }
      const size_t count = std::min(room, segment.pairs.size() - begin);
      const auto first = segment.pairs.begin() + static_cast<ptrdiff_t>(begin);
      parts.back().segments.push_back(
          {segment.expert, {first, first + static_cast<ptrdiff_t>(count)}});
      begin += count;
      room -= count;
    }
  }
  return parts;
}

}  // namespace windrose
