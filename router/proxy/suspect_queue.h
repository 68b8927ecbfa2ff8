// SuspectQueue: generations that may be what coordinators die of go one at a time.
//
// When a coordinator dies, any of the generations that it had may be why. Before one of them is
// given up for it, it gets a turn in which no other suspect is tried: then the innocent make a
// token, which clears them, and the next death is the right one's. Loop thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "common/base/event_loop.h"

namespace windrose::router {

class SuspectQueue {
 public:
  // A turn ends with Leave, or after `turn_limit`, so that a long prefill does not hold up the
  // rest.
  SuspectQueue(EventLoop& loop, Duration turn_limit) : loop_(loop), turn_limit_(turn_limit) {}
  ~SuspectQueue() { loop_.CancelTimer(turn_timer_); }
  SuspectQueue(const SuspectQueue&) = delete;
  SuspectQueue& operator=(const SuspectQueue&) = delete;

  // Posts `go` when its turn comes. The id is for Leave.
  uint64_t Enter(Task go);

  // Ends a turn, or the wait for one; ids that left are ignored.
  void Leave(uint64_t suspect_id);

 private:
  struct Suspect {
    uint64_t id = 0;
    Task go;
  };

  void BeginTurn();

  EventLoop& loop_;
  const Duration turn_limit_;
  std::deque<Suspect> suspects_;  // the first has the turn
  uint64_t last_id_ = 0;
  uint64_t turn_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted
};

}  // namespace windrose::router
