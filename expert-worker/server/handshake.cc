#include "expert-worker/server/handshake.h"

#include <string>

namespace windrose {
namespace {

expert::v1::WorkerState ProtoState(WorkerState state) {
  switch (state) {
    case WorkerState::kLoading:
      return expert::v1::WORKER_STATE_LOADING;
    case WorkerState::kReady:
      return expert::v1::WORKER_STATE_READY;
    case WorkerState::kDraining:
      return expert::v1::WORKER_STATE_DRAINING;
  }
  return expert::v1::WORKER_STATE_UNSPECIFIED;
}

}  // namespace

Status CheckJoin(const expert::v1::JoinRequest& request, const HostedModel& model) {
  if (request.protocol_min() > kExpertProtocol || request.protocol_max() < kExpertProtocol) {
    return FailedPrecondition("worker speaks protocol " + std::to_string(kExpertProtocol) +
                              ", the coordinator " + std::to_string(request.protocol_min()) +
                              " to " + std::to_string(request.protocol_max()));
  }
  if (request.model_hash() != model.model_hash) {
    return FailedPrecondition("worker serves model " + model.model_hash +
                              ", the coordinator another");
  }
  return OkStatus();
}

expert::v1::WorkerStatus MakeStatus(const ExpertServerSettings& settings, const HostedModel& model,
                                    WorkerState state) {
  expert::v1::WorkerStatus status;
  status.set_protocol_version(kExpertProtocol);
  status.set_model_hash(model.model_hash);
  status.set_incarnation(settings.incarnation);
  status.set_state(ProtoState(state));
  for (const ExpertId expert : model.experts) status.add_experts(expert.value());
  status.set_layer_count(model.layer_count);
  status.set_expert_count(model.expert_count);
  status.set_hidden_size(model.hidden);
  status.set_max_rows(settings.max_rows);
  return status;
}

}  // namespace windrose
