// GenerateReactor: one open Generate call towards a coordinator. Used by grpc_client.cc only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>

#include "common/base/event_loop.h"
#include "router/upstream/call_registry.h"
#include "router/upstream/coordinator_client.h"
#include "router/upstream/inference_proto.h"
#include "windrose/inference/v1/inference.grpc.pb.h"

namespace windrose::router {

// What the reactor and the stream's handle share. Loop thread only, but for `context`.
struct GenerateLink {
  GenerateLink(EventLoop& loop_in, CallRegistry& calls_in) : loop(loop_in), calls(calls_in) {}
  EventLoop& loop;
  CallRegistry& calls;
  grpc::ClientContext context;
  GenerationListener* listener = nullptr;  // null once the handle is gone
  bool paused = false;
  bool taken = false;     // see UpstreamStream
  bool finished = false;  // OnFinished or OnFailed was called
  // Came while paused; the next read is still to start.
  std::optional<StatusOr<GenerateEvent>> held;
};

// Deletes itself once gRPC is done with it. One event is read at a time, and the next one only
// after the loop has delivered it: gRPC's flow control carries the back-pressure to the
// coordinator. What was on its way when the stream was paused is held. OnReadDone and OnDone run on
// gRPC's threads, one at a time; they only post.
class GenerateReactor final : public grpc::ClientReadReactor<proto::GenerateEvent> {
 public:
  explicit GenerateReactor(std::shared_ptr<GenerateLink> link) : link_(std::move(link)) {}

  void Start(proto::InferenceService::Stub& stub, const GenerateCall& call);
  // Gives the held event to the listener, unless paused, and starts the next read; without a
  // listener it is dropped. Loop thread, while an event is held.
  void DeliverHeld();

  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  void ReadNext() { StartRead(&message_); }

  std::shared_ptr<GenerateLink> link_;
  uint64_t call_id_ = 0;
  proto::GenerateRequest request_;
  proto::GenerateEvent message_;
};

}  // namespace windrose::router
