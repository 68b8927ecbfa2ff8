#include "router/proxy/suspect_queue.h"

#include <algorithm>
#include <utility>

namespace windrose::router {

uint64_t SuspectQueue::Enter(Task go) {
  suspects_.push_back({.id = ++last_id_, .go = std::move(go)});
  if (suspects_.size() == 1) BeginTurn();
  return last_id_;
}

void SuspectQueue::Leave(uint64_t suspect_id) {
  const auto place = std::find_if(suspects_.begin(), suspects_.end(),
                                  [&](const Suspect& suspect) { return suspect.id == suspect_id; });
  if (place == suspects_.end()) return;
  const bool had_turn = place == suspects_.begin();
  suspects_.erase(place);
  if (!had_turn) return;
  loop_.CancelTimer(turn_timer_);
  if (!suspects_.empty()) BeginTurn();
}

// Posted, since whoever leaves may be in the middle of being destroyed.
void SuspectQueue::BeginTurn() {
  const uint64_t id = suspects_.front().id;
  turn_timer_ = loop_.After(turn_limit_, [this, id] { Leave(id); });
  loop_.Post([this, id, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock() == nullptr || suspects_.empty() || suspects_.front().id != id) return;
    const Task go = std::exchange(suspects_.front().go, nullptr);
    go();
  });
}

}  // namespace windrose::router
