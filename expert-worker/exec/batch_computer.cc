#include "expert-worker/exec/batch_computer.h"

#include <algorithm>

#include "common/base/check.h"

namespace windrose {

BatchComputer::BatchComputer(ExpertFunction& function, size_t tile_rows, ComputeObserver* observer)
    : function_(function),
      tile_rows_(std::max<size_t>(tile_rows, 1)),
      observer_(observer),
      input_(tile_rows_ * function.hidden_size()),
      output_(tile_rows_ * function.hidden_size()) {}

std::vector<ComputedReply> BatchComputer::Compute(std::span<const AcceptedCall> calls) {
  std::vector<ComputedReply> replies;
  replies.reserve(calls.size());
  for (const AcceptedCall& call : calls) {
    CHECK(call.pass() == calls.front().pass());
    replies.push_back(PrepareReply(call));
  }
  for (const ExpertId expert : WantedExperts(replies)) {
    CollectRows(expert, calls, replies);
    if (observer_ != nullptr) observer_->OnExpertBegin(expert, wanted_.size());
    RunExpert(expert, calls, replies);
    if (observer_ != nullptr) observer_->OnExpertEnd(expert);
  }
  return replies;
}

// The segments as they will be answered, and room for their rows.
ComputedReply BatchComputer::PrepareReply(const AcceptedCall& call) const {
  ComputedReply reply;
  reply.caller = call.caller;
  reply.arrived = call.arrived;
  reply.frame.header = call.frame.header;
  uint32_t next = 0;
  for (const wire::Segment& segment : call.frame.segments) {
    const bool held = function_.Holds(segment.expert);
    const uint32_t count = held ? segment.count : 0;
    const StatusCode status = held ? StatusCode::kOk : StatusCode::kFailedPrecondition;
    reply.frame.segments.push_back({segment.expert, status, next, count});
    next += count;
  }
  reply.frame.row_count = next;
  reply.rows.resize(next * wire::RowBytes(call.frame.header.type, call.frame.header.hidden));
  reply.frame.rows = reply.rows;
  return reply;
}

std::vector<ExpertId> BatchComputer::WantedExperts(std::span<const ComputedReply> replies) const {
  std::vector<ExpertId> experts;
  for (const ComputedReply& reply : replies) {
    for (const wire::Segment& segment : reply.frame.segments) {
      if (segment.count != 0) experts.push_back(segment.expert);
    }
  }
  std::sort(experts.begin(), experts.end());
  experts.erase(std::unique(experts.begin(), experts.end()), experts.end());
  return experts;
}

void BatchComputer::CollectRows(ExpertId expert, std::span<const AcceptedCall> calls,
                                std::span<const ComputedReply> replies) {
  wanted_.clear();
  for (size_t call = 0; call < calls.size(); ++call) {
    const wire::CallFrame& frame = calls[call].frame;
    for (size_t index = 0; index < frame.segments.size(); ++index) {
      const wire::Segment& asked = frame.segments[index];
      const wire::Segment& answered = replies[call].frame.segments[index];
      if (asked.expert != expert || answered.count == 0) continue;
      for (uint32_t row = 0; row < asked.count; ++row) {
        wanted_.push_back({call, frame.row_index[asked.first + row], answered.first + row});
      }
    }
  }
}

void BatchComputer::RunExpert(ExpertId expert, std::span<const AcceptedCall> calls,
                              std::span<ComputedReply> replies) {
  const ExpertPass pass = calls.front().pass();
  const size_t hidden = function_.hidden_size();
  const std::span<float> input(input_);
  const std::span<float> output(output_);
  for (size_t begin = 0; begin < wanted_.size(); begin += tile_rows_) {
    const size_t rows = std::min(tile_rows_, wanted_.size() - begin);
    for (size_t row = 0; row < rows; ++row) {
      const WantedRow& wanted = wanted_[begin + row];
      const wire::CallFrame& frame = calls[wanted.call].frame;
      wire::ReadRow(frame.rows, frame.header.type, wanted.row, input.subspan(row * hidden, hidden));
    }
    function_.Run(pass, expert, input.first(rows * hidden), output.first(rows * hidden));
    for (size_t row = 0; row < rows; ++row) {
      const WantedRow& wanted = wanted_[begin + row];
      ComputedReply& reply = replies[wanted.call];
      wire::WriteRow(output.subspan(row * hidden, hidden), reply.frame.header.type,
                     wanted.reply_row, reply.rows);
    }
  }
}

}  // namespace windrose
