#include "expert-worker/server/frame_gate.h"

#include <algorithm>
#include <utility>

namespace windrose {
namespace {

StatusCode RefusalOf(const wire::CallFrame& frame, const FrameGateLimits& limits) {
  if (frame.header.layer.value() >= limits.layer_count) return StatusCode::kInvalidArgument;
  if (frame.budget <= Duration{}) return StatusCode::kDeadlineExceeded;
  if (!wire::AllFinite(frame.rows, frame.header.type)) return StatusCode::kInvalidArgument;
  return StatusCode::kOk;
}

}  // namespace

StatusOr<GatedCall> GateFrame(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                              CallerId caller, TimePoint now, const FrameGateLimits& limits) {
  ASSIGN_OR_RETURN(wire::CallFrame frame, wire::DecodeCall(bytes, limits.frames));
  GatedCall gated;
  gated.refusal = RefusalOf(frame, limits);
  gated.call.caller = caller;
  gated.call.arrived = now;
  gated.call.deadline = now + std::min(frame.budget, limits.max_budget);
  gated.call.bytes = std::move(owner);
  gated.call.frame = std::move(frame);
  return gated;
}

}  // namespace windrose
