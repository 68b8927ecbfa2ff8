#include "coordinator/experts_grpc/announcement.h"

#include <algorithm>

namespace windrose {
namespace {

Status CheckIdentity(const expert::v1::WorkerStatus& status, const std::string& model_hash) {
  if (status.protocol_version() != kExpertProtocol) {
    return FailedPrecondition("worker speaks protocol " +
                              std::to_string(status.protocol_version()) + ", wanted " +
                              std::to_string(kExpertProtocol));
  }
  if (status.model_hash() != model_hash) {
    return FailedPrecondition("worker serves another model than " + model_hash);
  }
  return OkStatus();
}

StatusOr<AnnouncedState> ReadState(expert::v1::WorkerState state) {
  switch (state) {
    case expert::v1::WORKER_STATE_LOADING:
      return AnnouncedState::kLoading;
    case expert::v1::WORKER_STATE_READY:
      return AnnouncedState::kReady;
    case expert::v1::WORKER_STATE_DRAINING:
      return AnnouncedState::kDraining;
    default:
      return InvalidArgument("worker state is " + std::to_string(static_cast<int>(state)));
  }
}

// Ascending.
StatusOr<std::vector<ExpertId>> ReadExperts(const expert::v1::WorkerStatus& status) {
  std::vector<ExpertId> experts;
  for (const uint32_t expert : status.experts()) {
    if (expert >= status.expert_count()) {
      return InvalidArgument("worker holds expert " + std::to_string(expert) + " of " +
                             std::to_string(status.expert_count()));
    }
    experts.push_back(ExpertId(expert));
  }
  std::sort(experts.begin(), experts.end());
  if (std::adjacent_find(experts.begin(), experts.end()) != experts.end()) {
    return InvalidArgument("worker names an expert twice");
  }
  return experts;
}

}  // namespace

StatusOr<Announcement> ReadStatus(const expert::v1::WorkerStatus& status,
                                  const std::string& address, const std::string& model_hash) {
  RETURN_IF_ERROR(CheckIdentity(status, model_hash));
  if (status.max_rows() == 0) return InvalidArgument("worker accepts no rows");
  Announcement announcement;
  ASSIGN_OR_RETURN(announcement.state, ReadState(status.state()));
  ASSIGN_OR_RETURN(announcement.description.experts, ReadExperts(status));
  announcement.description.address = address;
  announcement.description.incarnation = status.incarnation();
  announcement.description.max_rows = status.max_rows();
  return announcement;
}

bool SameDescription(const WorkerDescription& a, const WorkerDescription& b) {
  return a.address == b.address && a.incarnation == b.incarnation && a.experts == b.experts &&
         a.max_rows == b.max_rows;
}

}  // namespace windrose
