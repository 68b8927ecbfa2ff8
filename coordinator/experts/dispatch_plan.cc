#include "coordinator/experts/dispatch_plan.h"

#include <algorithm>
#include <map>
#include <utility>

namespace windrose {
namespace {

// One segment for each expert: what was taken back from several calls may name one twice.
std::vector<PlanSegment> MergeByExpert(const std::vector<PlanSegment>& segments) {
  std::map<ExpertId, std::vector<uint32_t>> pairs_of;
  for (const PlanSegment& segment : segments) {
    std::vector<uint32_t>& pairs = pairs_of[segment.expert];
    pairs.insert(pairs.end(), segment.pairs.begin(), segment.pairs.end());
  }
  std::vector<PlanSegment> merged;
  for (auto& [expert, pairs] : pairs_of) {
    std::sort(pairs.begin(), pairs.end());
    merged.push_back({expert, std::move(pairs)});
  }
  return merged;
}

}  // namespace

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

DispatchPlan PlanDispatch(const std::vector<PlanSegment>& segments, const Placement& placement,
                          std::vector<double> load, const ShareCosts& costs, uint64_t turn) {
  DispatchPlan plan;
  plan.epoch = placement.epoch;
  std::vector<PlanSegment> placed;
  std::vector<ExpertDemand> demands;
  for (PlanSegment& segment : MergeByExpert(segments)) {
    const std::vector<WorkerId>& holders = placement.holders[segment.expert.value()];
    if (holders.empty()) {
      plan.unplaced.push_back(std::move(segment));
      continue;
    }
    demands.push_back({segment.expert, segment.pairs.size(), holders});
    placed.push_back(std::move(segment));
  }
  const std::vector<std::vector<DemandPart>> parts =
      ShareOut(demands, std::move(load), costs, turn);
  std::map<WorkerId, std::vector<PlanSegment>> by_worker;
  for (size_t index = 0; index < placed.size(); ++index) {
    auto next = placed[index].pairs.begin();
    for (const DemandPart& part : parts[index]) {
      const auto first = std::exchange(next, next + static_cast<ptrdiff_t>(part.rows));
      by_worker[part.worker].push_back({placed[index].expert, {first, next}});
    }
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
