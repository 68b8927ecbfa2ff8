// LayerExchange: one layer's rows on their way through the workers and back. Lives for one
// dispatch; engine thread only.
//
// A state machine without I/O. Pairs are retained until answered, so any call may fail at any
// moment: its unanswered pairs are taken back and given to another worker. The first valid answer
// of a pair wins; experts are pure functions, so it does not matter whose it is.
//
// Invariants: a pair is answered at most once; an unanswered pair is owned by exactly one live
// call, or has been handed back to the caller.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/wire/frame.h"
#include "coordinator/experts/expert_transport.h"
#include "coordinator/values/batch.h"

namespace windrose {

// One frame on its way.
struct ExpertCall {
  WorkerId worker;
  std::vector<PlanSegment> segments;
  uint32_t retries = 0;  // how often its pairs had been sent before
  size_t row_count = 0;  // pairs, the measure of its work
  TimePoint sent;
  TimePoint deadline;
  bool live = true;  // false once its pairs were taken back
  bool answered = false;
};

class LayerExchange {
 public:
  // `rows` is [rows, hidden]; `outputs` gets one row per pair. Both must outlive the exchange.
  LayerExchange(const wire::FrameHeader& header, size_t top_k, std::span<const float> rows,
                ExpertOutputs& outputs);

  bool done() const { return unanswered_ == 0; }
  DispatchId id() const { return header_.dispatch_id; }
  size_t call_count() const { return calls_.size(); }
  const ExpertCall& call(uint32_t attempt) const { return calls_[attempt]; }

  // Registers a call and makes its frame.
  OutgoingCall MakeCall(ExpertCall call, uint64_t epoch, Duration budget);

  // Copies what `reply` answers. Returns the segments it refused, unanswered pairs only, or an
  // error when it does not fit the call it claims to answer.
  StatusOr<std::vector<PlanSegment>> TakeReply(WorkerId worker, const wire::ReplyFrame& reply);

  // The unanswered pairs of every live call to `worker`, which will not answer any more.
  std::vector<PlanSegment> TakeBack(WorkerId worker);

  // The unanswered pairs of one call, whose worker may yet answer.
  std::vector<PlanSegment> TakeBackCall(uint32_t attempt);

  // Gives a call that nobody else could take over more time.
  void Extend(uint32_t attempt, TimePoint deadline) { calls_[attempt].deadline = deadline; }

  // The live calls whose deadline has passed at `now`.
  std::vector<uint32_t> Overdue(TimePoint now) const;
  // The earliest deadline of a live call; nullopt when there is none.
  std::optional<TimePoint> NextDeadline() const;

 private:
  std::vector<PlanSegment> Unanswered(uint32_t attempt) const;
  Status CheckFits(WorkerId worker, const wire::ReplyFrame& reply) const;
  void CopyOutputs(const wire::ReplyFrame& reply, const wire::Segment& segment,
                   const PlanSegment& asked);

  const wire::FrameHeader header_;
  const size_t top_k_;
  const std::span<const float> rows_;
  ExpertOutputs& outputs_;
  std::deque<ExpertCall> calls_;  // by attempt
  std::vector<uint32_t> owner_;   // [pairs] attempt of the last call it was sent in
  std::vector<bool> answered_;    // [pairs]
  size_t unanswered_ = 0;
};

}  // namespace windrose
