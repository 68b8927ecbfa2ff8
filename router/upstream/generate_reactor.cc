#include "router/upstream/generate_reactor.h"

#include <utility>

#include "common/net/request_taken.h"

namespace windrose::router {
namespace {

// Calls the listener, which may destroy the stream; the link outlives that.
void Dispatch(GenerateLink& link, StatusOr<GenerateEvent> event) {
  if (link.listener == nullptr || link.finished) return;
  if (!event.ok()) {
    link.finished = true;
    return link.listener->OnFailed(event.status());
  }
  link.taken = true;
  if (auto* started = std::get_if<StartedEvent>(&*event)) {
    return link.listener->OnStarted(std::move(*started));
  }
  if (auto* token = std::get_if<TokenEvent>(&*event)) {
    return link.listener->OnToken(std::move(*token));
  }
  link.finished = true;
  link.listener->OnFinished(std::move(std::get<FinishedEvent>(*event)));
}

}  // namespace

void GenerateReactor::Start(proto::InferenceService::Stub& stub, const GenerateCall& call) {
  ToProto(call, request_);
  call_id_ = link_->calls.Add([link = link_] { link->context.TryCancel(); });
  stub.async()->Generate(&link_->context, &request_, this);
  // Reads are started from the loop's thread too, so gRPC must not end the call between two of
  // them.
  AddHold();
  ReadNext();
  StartCall();
}

void GenerateReactor::OnReadDone(bool ok) {
  if (!ok) return RemoveHold();
  link_->loop.Post([this, event = FromProto(std::move(message_))]() mutable {
    link_->held = std::move(event);
    DeliverHeld();
  });
}

// No read is under way and the hold stands, so gRPC cannot be done with the call before ReadNext.
void GenerateReactor::DeliverHeld() {
  const std::shared_ptr<GenerateLink> link = link_;
  if (link->paused && link->listener != nullptr) return;
  StatusOr<GenerateEvent> event = *std::move(link->held);
  link->held.reset();
  Dispatch(*link, std::move(event));
  ReadNext();
}

void GenerateReactor::OnDone(const grpc::Status& status) {
  Status result = status.ok() ? Unavailable("the coordinator ended the stream without a finish")
                              : FromGrpcStatus(status);
  // Empty when nothing but a status came, or nothing at all.
  const bool taken = link_->context.GetServerInitialMetadata().count(kRequestTakenKey) > 0;
  link_->loop.Post([link = link_, call_id = call_id_, taken, result = std::move(result)] {
    link->calls.Remove(call_id);
    link->taken = link->taken || taken;
    Dispatch(*link, result);
  });
  delete this;
}

}  // namespace windrose::router
