// The choice among coordinators: least outstanding calls, those with every expert first. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace windrose::router {

struct BalanceCandidate {
  bool usable = false;  // up, serves the model, not to be avoided
  bool ready = false;   // every expert has a ready worker
  uint32_t outstanding = 0;
};

// The index of the best candidate, or nullopt when none is usable. Ties go round: the first one at
// or after `turn` modulo the count wins.
std::optional<size_t> ChooseCandidate(std::span<const BalanceCandidate> candidates, uint64_t turn);

}  // namespace windrose::router
