#include "coordinator/experts/layer_exchange.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace windrose {
namespace {

// The rows that `segments` want, each once, ascending.
std::vector<uint32_t> RowsOf(const std::vector<PlanSegment>& segments, size_t top_k) {
  std::vector<uint32_t> rows;
  for (const PlanSegment& segment : segments) {
    for (const uint32_t pair : segment.pairs) rows.push_back(static_cast<uint32_t>(pair / top_k));
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

uint32_t PositionIn(const std::vector<uint32_t>& sorted, uint32_t value) {
  return static_cast<uint32_t>(std::lower_bound(sorted.begin(), sorted.end(), value) -
                               sorted.begin());
}

}  // namespace

bool RefusedSegment::for_good() const {
  return !doubted && code != StatusCode::kResourceExhausted &&
         code != StatusCode::kDeadlineExceeded && code != StatusCode::kUnavailable;
}

LayerExchange::LayerExchange(const wire::FrameHeader& header, size_t top_k,
                             std::span<const float> rows, ExpertOutputs& outputs)
    : header_(header), top_k_(top_k), rows_(rows), outputs_(outputs) {
  const size_t pair_count = rows.size() / header.hidden * top_k;
  outputs_.hidden = header.hidden;
  outputs_.rows.resize(pair_count * header.hidden);
  owner_.resize(pair_count, kNone);
  answered_.resize(pair_count);
  unanswered_ = pair_count;
}

OutgoingCall LayerExchange::MakeCall(ExpertCall call, uint64_t epoch, Duration budget) {
  const auto attempt = static_cast<uint32_t>(calls_.size());
  const std::vector<uint32_t> rows = RowsOf(call.segments, top_k_);
  OutgoingCall outgoing{.worker = call.worker, .call = {}, .row_bytes = {}};
  wire::CallFrame& frame = outgoing.call;
  frame.header = header_;
  frame.budget = budget;
  frame.row_count = static_cast<uint32_t>(rows.size());
  frame.header.attempt = attempt;
  frame.header.epoch = epoch;
  for (const PlanSegment& segment : call.segments) {
    frame.segments.push_back({.expert = segment.expert,
                              .first = static_cast<uint32_t>(frame.row_index.size()),
                              .count = static_cast<uint32_t>(segment.pairs.size())});
    for (const uint32_t pair : segment.pairs) {
      owner_[pair] = attempt;
      frame.row_index.push_back(PositionIn(rows, static_cast<uint32_t>(pair / top_k_)));
    }
  }
  outgoing.row_bytes.reserve(rows.size() * wire::RowBytes(header_.type, header_.hidden));
  wire::AppendRows(rows_, header_.hidden, rows, header_.type, outgoing.row_bytes);
  frame.rows = outgoing.row_bytes;
  calls_.push_back(std::move(call));
  return outgoing;
}

StatusOr<std::vector<RefusedSegment>> LayerExchange::TakeReply(WorkerId worker,
                                                               const wire::ReplyFrame& reply) {
  RETURN_IF_ERROR(CheckFits(worker, reply));
  ExpertCall& call = calls_[reply.header.attempt];
  std::vector<RefusedSegment> refused;
  for (size_t index = 0; index < call.segments.size(); ++index) {
    const wire::Segment& segment = reply.segments[index];
    const bool computed = segment.status == StatusCode::kOk;
    if (computed && CopyOutputs(reply, segment, call.segments[index])) continue;
    RefusedSegment& added = refused.emplace_back();
    added.code = segment.status;
    added.doubted = computed;
    added.segment.expert = segment.expert;
    if (call.live) added.segment.pairs = UnansweredOf(call.segments[index]);
    if (added.for_good()) unable_.emplace(segment.expert, worker);
  }
  call.live = false;
  return refused;
}

Placement LayerExchange::Able(Placement placement) const {
  for (const auto& [expert, worker] : unable_) {
    std::vector<WorkerId>& holders = placement.holders[expert.value()];
    std::vector<WorkerId>& suspects = placement.suspects[expert.value()];
    std::erase(holders, worker);
    std::erase(suspects, worker);
    if (holders.empty()) holders.swap(suspects);
  }
  return placement;
}

PairHistory LayerExchange::HistoryOf(const PlanSegment& segment, WorkerId worker) const {
  PairHistory history;
  for (const uint32_t pair : segment.pairs) {
    if (owner_[pair] == kNone) continue;
    const ExpertCall& last = calls_[owner_[pair]];
    history.sent = true;
    history.moved |= last.worker != worker;
    history.overdue = std::max(history.overdue, last.overdue);
  }
  return history;
}

std::vector<PlanSegment> LayerExchange::TakeBack(uint32_t attempt) {
  ExpertCall& call = calls_[attempt];
  DCHECK(call.live);
  call.live = false;
  return Unanswered(call.segments);
}

std::vector<PlanSegment> LayerExchange::Unanswered(const std::vector<PlanSegment>& segments) const {
  std::vector<PlanSegment> unanswered;
  for (const PlanSegment& segment : segments) {
    PlanSegment rest{.expert = segment.expert, .pairs = UnansweredOf(segment)};
    if (!rest.pairs.empty()) unanswered.push_back(std::move(rest));
  }
  return unanswered;
}

std::vector<uint32_t> LayerExchange::UnansweredOf(const PlanSegment& segment) const {
  std::vector<uint32_t> pairs;
  for (const uint32_t pair : segment.pairs) {
    if (!answered_[pair]) pairs.push_back(pair);
  }
  return pairs;
}

std::vector<uint32_t> LayerExchange::CallsTo(WorkerId worker) const {
  std::vector<uint32_t> calls;
  for (uint32_t attempt = 0; attempt < calls_.size(); ++attempt) {
    if (calls_[attempt].live && calls_[attempt].worker == worker) calls.push_back(attempt);
  }
  return calls;
}

std::vector<uint32_t> LayerExchange::Overdue(TimePoint now) const {
  std::vector<uint32_t> overdue;
  for (uint32_t attempt = 0; attempt < calls_.size(); ++attempt) {
    if (calls_[attempt].live && calls_[attempt].deadline <= now) overdue.push_back(attempt);
  }
  return overdue;
}

std::optional<TimePoint> LayerExchange::NextDeadline() const {
  std::optional<TimePoint> next;
  for (const ExpertCall& call : calls_) {
    if (call.live && (!next || call.deadline < *next)) next = call.deadline;
  }
  return next;
}

Status LayerExchange::CheckFits(WorkerId worker, const wire::ReplyFrame& reply) const {
  const uint32_t attempt = reply.header.attempt;
  if (attempt >= calls_.size() || calls_[attempt].worker != worker) {
    return InvalidArgument("reply to attempt " + std::to_string(attempt) +
                           ", which this worker was not sent");
  }
  const std::vector<PlanSegment>& asked = calls_[attempt].segments;
  if (reply.header.layer != header_.layer || reply.header.hidden != header_.hidden ||
      reply.segments.size() != asked.size()) {
    return InvalidArgument("reply of another layer or shape than asked for");
  }
  if (reply.header.type != header_.type || reply.header.order != header_.order) {
    return InvalidArgument("reply in another arithmetic than asked for");
  }
  for (size_t index = 0; index < asked.size(); ++index) {
    const wire::Segment& got = reply.segments[index];
    const size_t wanted = got.status == StatusCode::kOk ? asked[index].pairs.size() : 0;
    if (got.expert != asked[index].expert || got.count != wanted) {
      return InvalidArgument("reply segment " + std::to_string(index) + ": wanted expert " +
                             std::to_string(asked[index].expert.value()) + " with " +
                             std::to_string(wanted) + " rows, got expert " +
                             std::to_string(got.expert.value()) + " with " +
                             std::to_string(got.count));
    }
  }
  return OkStatus();
}

bool LayerExchange::CopyOutputs(const wire::ReplyFrame& reply, const wire::Segment& segment,
                                const PlanSegment& asked) {
  bool believed = true;
  for (size_t index = 0; index < asked.pairs.size(); ++index) {
    const uint32_t pair = asked.pairs[index];
    if (answered_[pair]) continue;
    const std::span<float> output =
        std::span<float>(outputs_.rows).subspan(pair * outputs_.hidden, outputs_.hidden);
    wire::ReadRow(reply.rows, reply.header.type, segment.first + index, output);
    if (!Believed(pair, reply.header.attempt, output)) {
      believed = false;
      continue;
    }
    answered_[pair] = true;
    --unanswered_;
  }
  return believed;
}

bool LayerExchange::Believed(uint32_t pair, uint32_t attempt, std::span<const float> output) {
  if (wire::AllFinite(std::as_bytes(output), wire::RowType::kF32)) return true;
  return doubted_.try_emplace(pair, attempt).first->second != attempt;
}

}  // namespace windrose
