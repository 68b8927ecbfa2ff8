// The gate in front of the queue: which received bytes are a call that may be computed.
//
// Pure; no gRPC, no clock, no queue. Three outcomes: an error, because the peer does not speak as
// we do and its stream ends; a refusal, answered to this call alone; a call to compute.
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/wire/frame.h"
#include "expert-worker/exec/accepted_call.h"

namespace windrose {

// What this worker serves.
struct HostedModel {
  std::string model_hash;          // hex
  uint64_t model_hash_prefix = 0;  // as frames carry it
  uint32_t layer_count = 0;
  uint32_t expert_count = 0;
  uint32_t hidden = 0;
  std::vector<ExpertId> experts;  // held here, for every layer
};

struct FrameGateLimits {
  wire::FrameLimits frames;
  uint32_t layer_count = 0;
  Duration max_budget = Seconds(120);  // a longer one is shortened
};

struct GatedCall {
  AcceptedCall call;
  StatusCode refusal = StatusCode::kOk;  // OK: compute it; else answer with this
};

// Checks `bytes`, which `owner` keeps alive, received from `caller` at `now`. Refusals:
// INVALID_ARGUMENT for a layer that does not exist or a value that is not finite, DEADLINE_EXCEEDED
// for a call without time left.
StatusOr<GatedCall> GateFrame(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                              CallerId caller, TimePoint now, const FrameGateLimits& limits);

}  // namespace windrose
