#include "cli/cluster/expert_chain.h"

#include <algorithm>
#include <string>

namespace windrose::cli {
namespace {

Status CheckCounts(uint32_t expert_count, uint32_t worker_count, uint32_t replication) {
  if (expert_count == 0 || worker_count == 0 || replication == 0) {
    return InvalidArgument("experts, workers and replication must be at least 1, got " +
                           std::to_string(expert_count) + ", " + std::to_string(worker_count) +
                           " and " + std::to_string(replication));
  }
  if (replication > worker_count) {
    return InvalidArgument("replication " + std::to_string(replication) +
                           " needs as many workers, got " + std::to_string(worker_count));
  }
  if (worker_count > uint64_t{expert_count} * replication) {
    return InvalidArgument(std::to_string(worker_count) + " workers are more than " +
                           std::to_string(replication) + " copies of " +
                           std::to_string(expert_count) + " experts: raise the replication");
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<std::vector<ExpertId>>> ChainExperts(uint32_t expert_count,
                                                          uint32_t worker_count,
                                                          uint32_t replication) {
  RETURN_IF_ERROR(CheckCounts(expert_count, worker_count, replication));
  // With more workers than experts, first copies one apart would leave the last workers empty.
  const uint32_t stride = worker_count > expert_count ? replication : 1;
  std::vector<std::vector<ExpertId>> experts_of(worker_count);
  for (uint32_t expert = 0; expert < expert_count; ++expert) {
    for (uint32_t copy = 0; copy < replication; ++copy) {
      experts_of[(expert * stride + copy) % worker_count].push_back(ExpertId{expert});
    }
  }
  for (std::vector<ExpertId>& experts : experts_of) std::sort(experts.begin(), experts.end());
  return experts_of;
}

}  // namespace windrose::cli
