// LayerExchange: one layer's rows on their way through the workers and back. Lives for one
// dispatch; engine thread only.
//
// A state machine without I/O. Pairs are retained until answered, so any call may fail at any
// moment: its unanswered pairs are taken back and given to another worker. The first valid answer
// of a pair wins; experts are pure functions, so it does not matter whose it is. Values that are
// not finite are believed when a second call brings them, too: the first may have come from damaged
// memory, and a row that overflows is to end its own request, not those of the batch.
//
// Invariants: a pair is answered at most once; an unanswered pair is owned by exactly one live
// call, or has been handed back to the caller.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/wire/frame.h"
#include "coordinator/experts/expert_transport.h"
#include "coordinator/experts/placement.h"
#include "coordinator/values/batch.h"

namespace windrose {

// One frame on its way.
struct ExpertCall {
  WorkerId worker;
  std::vector<PlanSegment> segments;
  size_t row_count = 0;  // pairs, the measure of its work
  bool repeat = false;   // an earlier call had some of its pairs
  uint32_t overdue = 0;  // deadlines that its pairs let pass, in this call and those before
  TimePoint sent;
  TimePoint deadline;
  bool live = true;  // false once its pairs were taken back
};

// What happened to the pairs of a segment before they are sent.
struct PairHistory {
  bool sent = false;     // some were in a call before
  bool moved = false;    // of some, that call went to another worker
  uint32_t overdue = 0;  // the most deadlines that one of them let pass
};

// What a worker did not compute, or computed to values that are not finite.
struct RefusedSegment {
  PlanSegment segment;  // unanswered pairs; none when another call has them by now
  StatusCode code = StatusCode::kOk;
  bool doubted = false;  // computed, but not believed yet

  // It cannot compute this. Else it is only full, late or draining, or its values are doubted, and
  // it may be asked again.
  bool for_good() const;
};

class LayerExchange {
 public:
  // `rows` is [rows, hidden]; `outputs` gets one row per pair. Both must outlive the exchange.
  LayerExchange(const wire::FrameHeader& header, size_t top_k, std::span<const float> rows,
                ExpertOutputs& outputs);

  bool done() const { return unanswered_ == 0; }
  DispatchId id() const { return header_.dispatch_id; }
  const ExpertCall& call(uint32_t attempt) const { return calls_[attempt]; }

  // Registers a call and makes its frame.
  OutgoingCall MakeCall(ExpertCall call, uint64_t epoch, Duration budget);

  // Copies what `reply` answers. Returns what it refused and what is doubted, or an error when it
  // does not fit the call it claims to answer.
  StatusOr<std::vector<RefusedSegment>> TakeReply(WorkerId worker, const wire::ReplyFrame& reply);

  // `placement` without the workers that refused an expert's rows for good; suspects where none of
  // its holders is left.
  Placement Able(Placement placement) const;

  // What came before a call to `worker` with these pairs.
  PairHistory HistoryOf(const PlanSegment& segment, WorkerId worker) const;

  // The unanswered pairs of one call, which are no longer its: its worker may answer or not.
  std::vector<PlanSegment> TakeBack(uint32_t attempt);

  // What of `segments` is still unanswered; empty ones are left out.
  std::vector<PlanSegment> Unanswered(const std::vector<PlanSegment>& segments) const;

  // A call's deadline has passed.
  void MarkOverdue(uint32_t attempt) { ++calls_[attempt].overdue; }
  // Gives a call that nobody else could take over more time.
  void Extend(uint32_t attempt, TimePoint deadline) { calls_[attempt].deadline = deadline; }

  // The live calls to `worker`.
  std::vector<uint32_t> CallsTo(WorkerId worker) const;
  // The live calls whose deadline has passed at `now`.
  std::vector<uint32_t> Overdue(TimePoint now) const;
  // The earliest deadline of a live call; nullopt when there is none.
  std::optional<TimePoint> NextDeadline() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  std::vector<uint32_t> UnansweredOf(const PlanSegment& segment) const;
  Status CheckFits(WorkerId worker, const wire::ReplyFrame& reply) const;
  // False when a row is doubted; its pair stays unanswered.
  bool CopyOutputs(const wire::ReplyFrame& reply, const wire::Segment& segment,
                   const PlanSegment& asked);
  bool Believed(uint32_t pair, uint32_t attempt, std::span<const float> output);

  const wire::FrameHeader header_;
  const size_t top_k_;
  const std::span<const float> rows_;
  ExpertOutputs& outputs_;
  std::deque<ExpertCall> calls_;  // by attempt
  std::vector<uint32_t> owner_;   // [pairs] attempt of the last call it was sent in, or kNone
  std::vector<bool> answered_;    // [pairs]
  std::map<uint32_t, uint32_t> doubted_;  // by pair, the attempt whose answer was not finite
  std::set<std::pair<ExpertId, WorkerId>> unable_;  // refused for good
  size_t unanswered_ = 0;
};

}  // namespace windrose
