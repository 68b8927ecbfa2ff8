// BatchComputer: calls of one layer in, their replies out; each expert's weights are read once for
// all.
//
// Owned by the executor, or by a simulation; one thread. No clock, no lock, no socket. Rows of all
// calls that want one expert are gathered into tiles, so the workspace is bounded whatever arrives.
// A call's reply has the same bits whatever was merged with it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "expert-worker/exec/accepted_call.h"
#include "expert-worker/ffn/expert_function.h"

namespace windrose {

// Told about each pass over an expert's weights; measures the time between the two if it wants to.
class ComputeObserver {
 public:
  virtual ~ComputeObserver() = default;
  virtual void OnExpertBegin(ExpertId expert, size_t row_count) = 0;
  virtual void OnExpertEnd(ExpertId expert) = 0;
};

class BatchComputer {
 public:
  // `tile_rows` rows of one expert at a time. `observer` may be null.
  BatchComputer(ExpertFunction& function, size_t tile_rows, ComputeObserver* observer);

  // One reply for each call, in order. All calls are of one layer, which exists here. A segment for
  // an expert that is not held comes back FAILED_PRECONDITION. Results that are not finite go as
  // they are, so that they cost nobody but the request whose rows they are.
  std::vector<ComputedReply> Compute(std::span<const AcceptedCall> calls);

 private:
  // Row `row` of call `call` is wanted; the result is row `reply_row` of its reply.
  struct WantedRow {
    size_t call = 0;
    uint32_t row = 0;
    uint32_t reply_row = 0;
  };

  ComputedReply PrepareReply(const AcceptedCall& call) const;
  std::vector<ExpertId> WantedExperts(std::span<const ComputedReply> replies) const;
  void CollectRows(ExpertId expert, std::span<const AcceptedCall> calls,
                   std::span<const ComputedReply> replies);
  void RunExpert(ExpertId expert, std::span<const AcceptedCall> calls,
                 std::span<ComputedReply> replies);

  ExpertFunction& function_;
  const size_t tile_rows_;
  ComputeObserver* const observer_;
  std::vector<WantedRow> wanted_;  // of the expert being computed
  std::vector<float> input_;       // [tile_rows, hidden]
  std::vector<float> output_;      // [tile_rows, hidden]
};

}  // namespace windrose
