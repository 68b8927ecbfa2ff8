// WorkQueue: the calls that wait at a worker, and which of them are computed together next.
//
// Owned by the executor, or by a simulation. A state machine without thread, clock or socket: time
// comes in as an argument. Not thread-safe.
//
// Calls of one layer share one pass over that layer's weights, whoever sent them, if they want the
// same arithmetic. The pass served next is that of the oldest call of the coordinator whose turn it
// is; everything that waits for the same goes along. Turns are given by deficit round robin in
// rows, so a coordinator that sends much does not keep another from its turn. Invariants: limits
// are never exceeded; a call whose deadline has passed is never computed; calls of one coordinator
// for one pass keep their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "common/base/status.h"
#include "expert-worker/exec/accepted_call.h"

namespace windrose {

struct WorkQueueLimits {
  uint32_t max_rows = 16384;       // waiting, of all coordinators
  uint32_t max_calls = 256;        // likewise
  uint32_t max_batch_rows = 4096;  // computed together; one larger call still goes alone
  uint32_t turn_rows = 512;        // credit of one turn
};

// What Pop found: calls of one pass to compute now, and calls that nobody waits for any more.
struct WorkBatch {
  std::vector<AcceptedCall> calls;
  std::vector<AcceptedCall> expired;
  bool empty() const { return calls.empty() && expired.empty(); }
};

class WorkQueue {
 public:
  explicit WorkQueue(const WorkQueueLimits& limits) : limits_(limits) {}

  // RESOURCE_EXHAUSTED when it is full; `call` is then untouched.
  Status Push(AcceptedCall&& call);

  // Removes what is to be done at `now`. Empty if and only if nothing waits.
  WorkBatch Pop(TimePoint now);

  // Forgets the calls of a coordinator whose link is gone. Returns how many.
  size_t Drop(CallerId caller);

  uint32_t waiting_rows() const { return waiting_rows_; }
  size_t waiting_calls() const { return waiting_calls_; }

 private:
  // The calls of one coordinator, oldest first, and what it may still have computed in this round.
  struct Lane {
    std::deque<AcceptedCall> calls;
    int64_t credit_rows = 0;
  };

  void TakeExpired(TimePoint now, std::vector<AcceptedCall>& expired);
  ExpertPass NextPass();
  void TakePass(const ExpertPass& pass, std::vector<AcceptedCall>& calls);
  bool TakeOne(Lane& lane, const ExpertPass& pass, uint32_t& batch_rows,
               std::vector<AcceptedCall>& calls);
  void ForgetEmptyLanes();
  AcceptedCall Remove(Lane& lane, size_t index);

  const WorkQueueLimits limits_;
  std::map<CallerId, Lane> lanes_;  // one for each coordinator with calls waiting
  std::deque<CallerId> turns_;      // the same coordinators; whose turn it is stands first
  uint32_t waiting_rows_ = 0;
  size_t waiting_calls_ = 0;
};

}  // namespace windrose
