#include "coordinator/experts/replica_balancer.h"

#include <algorithm>

namespace windrose {
namespace {

// Rows by which another worker must be less loaded before an expert moves to it.
constexpr double kSwitchMarginRows = 16;

}  // namespace

std::optional<WorkerId> ReplicaBalancer::Choose(ExpertId expert, size_t rows,
                                                const Placement& placement,
                                                std::vector<double>& load) {
  const std::vector<WorkerId>& holders = placement.holders[expert.value()];
  if (holders.empty()) return std::nullopt;
  const auto less_loaded = [&](WorkerId a, WorkerId b) {
    return load[a.value()] < load[b.value()];
  };
  // Equal loads: each expert starts its search at another holder, so that replicas share the work.
  const size_t start = expert.value() % holders.size();
  std::vector<WorkerId> order(holders.begin() + static_cast<ptrdiff_t>(start), holders.end());
  order.insert(order.end(), holders.begin(), holders.begin() + static_cast<ptrdiff_t>(start));
  WorkerId chosen = *std::min_element(order.begin(), order.end(), less_loaded);

  std::optional<WorkerId>& current = current_[expert.value()];
  const bool current_holds =
      current && std::find(holders.begin(), holders.end(), *current) != holders.end();
  if (current_holds && load[current->value()] <= load[chosen.value()] + kSwitchMarginRows) {
    chosen = *current;
  }
  current = chosen;
  load[chosen.value()] += static_cast<double>(rows);
  return chosen;
}

}  // namespace windrose
