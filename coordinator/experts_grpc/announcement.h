// What a worker announces in its status, checked. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "coordinator/experts/expert_transport.h"
#include "windrose/expert/v1/expert.pb.h"

namespace windrose {

inline constexpr uint32_t kExpertProtocol = 1;

enum class AnnouncedState { kLoading, kReady, kDraining };

struct Announcement {
  AnnouncedState state = AnnouncedState::kLoading;
  WorkerDescription description;
};

// The announcement in `status` of the worker at `address`. FAILED_PRECONDITION for another protocol
// or model, INVALID_ARGUMENT for what cannot be: an unknown state, an expert that the model has not
// or that is named twice, no rows.
StatusOr<Announcement> ReadStatus(const expert::v1::WorkerStatus& status,
                                  const std::string& address, const std::string& model_hash);

// True when both describe the same worker process with the same experts.
bool SameDescription(const WorkerDescription& a, const WorkerDescription& b);

}  // namespace windrose
