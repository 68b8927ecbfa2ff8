// What worker and coordinator say to one another in Join, as pure functions on messages.
// Thread-safe.
#pragma once

#include "common/base/status.h"
#include "expert-worker/server/expert_server.h"
#include "expert-worker/server/frame_gate.h"
#include "windrose/expert/v1/expert.pb.h"

namespace windrose {

inline constexpr uint32_t kExpertProtocol = 1;

// FAILED_PRECONDITION, with our own values, for a coordinator of another protocol or model.
Status CheckJoin(const expert::v1::JoinRequest& request, const HostedModel& model);

expert::v1::WorkerStatus MakeStatus(const ExpertServerSettings& settings, const HostedModel& model,
                                    WorkerState state);

}  // namespace windrose
