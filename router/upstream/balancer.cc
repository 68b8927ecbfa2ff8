#include "router/upstream/balancer.h"

namespace windrose::router {
namespace {

bool IsBetter(const BalanceCandidate& left, const BalanceCandidate& right) {
  if (left.ready != right.ready) return left.ready;
  return left.outstanding < right.outstanding;
}

}  // namespace

std::optional<size_t> ChooseCandidate(std::span<const BalanceCandidate> candidates, uint64_t turn) {
  std::optional<size_t> best;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const size_t index = (turn + i) % candidates.size();
    if (!candidates[index].usable) continue;
    if (!best.has_value() || IsBetter(candidates[index], candidates[*best])) best = index;
  }
  return best;
}

}  // namespace windrose::router
