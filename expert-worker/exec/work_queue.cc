#include "expert-worker/exec/work_queue.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace windrose {

Status WorkQueue::Push(AcceptedCall&& call) {
  if (waiting_calls_ >= limits_.max_calls) {
    return ResourceExhausted("work queue: " + std::to_string(waiting_calls_) + " calls wait");
  }
  const uint32_t rows = call.row_count();
  if (rows > limits_.max_rows || waiting_rows_ > limits_.max_rows - rows) {
    return ResourceExhausted("work queue: " + std::to_string(waiting_rows_) + " rows wait, " +
                             std::to_string(rows) + " more are too many");
  }
  const auto [lane, is_new] = lanes_.try_emplace(call.caller);
  if (is_new) turns_.push_back(call.caller);
  waiting_rows_ += rows;
  ++waiting_calls_;
  lane->second.calls.push_back(std::move(call));
  return OkStatus();
}

WorkBatch WorkQueue::Pop(TimePoint now) {
  WorkBatch batch;
  TakeExpired(now, batch.expired);
  if (waiting_calls_ != 0) TakePass(NextPass(), batch.calls);
  ForgetEmptyLanes();
  return batch;
}

size_t WorkQueue::Drop(CallerId caller) {
  const auto lane = lanes_.find(caller);
  if (lane == lanes_.end()) return 0;
  const size_t dropped = lane->second.calls.size();
  while (!lane->second.calls.empty()) Remove(lane->second, 0);
  ForgetEmptyLanes();
  return dropped;
}

void WorkQueue::TakeExpired(TimePoint now, std::vector<AcceptedCall>& expired) {
  for (auto& [caller, lane] : lanes_) {
    for (size_t index = 0; index < lane.calls.size();) {
      if (lane.calls[index].deadline <= now) {
        expired.push_back(Remove(lane, index));
      } else {
        ++index;
      }
    }
  }
  ForgetEmptyLanes();
}

// Some lane has calls. Each round gives every lane credit, so the search ends.
ExpertPass WorkQueue::NextPass() {
  while (true) {
    Lane& lane = lanes_.at(turns_.front());
    if (lane.credit_rows > 0) return lane.calls.front().pass();
    lane.credit_rows += std::max<int64_t>(limits_.turn_rows, 1);
    turns_.push_back(turns_.front());
    turns_.pop_front();
  }
}

// One call of each lane in turn, until nothing fits any more: a full batch is shared by all.
void WorkQueue::TakePass(const ExpertPass& pass, std::vector<AcceptedCall>& calls) {
  uint32_t batch_rows = 0;
  bool took = true;
  while (took) {
    took = false;
    for (const CallerId caller : turns_) {
      if (TakeOne(lanes_.at(caller), pass, batch_rows, calls)) took = true;
    }
  }
  CHECK(!calls.empty());
}

bool WorkQueue::TakeOne(Lane& lane, const ExpertPass& pass, uint32_t& batch_rows,
                        std::vector<AcceptedCall>& calls) {
  const auto call =
      std::find_if(lane.calls.begin(), lane.calls.end(),
                   [&pass](const AcceptedCall& waiting) { return waiting.pass() == pass; });
  if (call == lane.calls.end()) return false;
  const uint32_t rows = call->row_count();
  const bool fits = rows <= limits_.max_batch_rows && batch_rows <= limits_.max_batch_rows - rows;
  if (!fits && !calls.empty()) return false;
  batch_rows += rows;
  lane.credit_rows -= rows;
  calls.push_back(Remove(lane, static_cast<size_t>(call - lane.calls.begin())));
  return true;
}

void WorkQueue::ForgetEmptyLanes() {
  std::erase_if(turns_, [this](CallerId caller) { return lanes_.at(caller).calls.empty(); });
  std::erase_if(lanes_, [](const auto& entry) { return entry.second.calls.empty(); });
}

AcceptedCall WorkQueue::Remove(Lane& lane, size_t index) {
  AcceptedCall call = std::move(lane.calls[index]);
  lane.calls.erase(lane.calls.begin() + static_cast<ptrdiff_t>(index));
  waiting_rows_ -= call.row_count();
  --waiting_calls_;
  return call;
}

}  // namespace windrose
