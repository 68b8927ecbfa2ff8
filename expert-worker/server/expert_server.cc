#include "expert-worker/server/expert_server.h"

#include <grpc/support/time.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "common/net/grpc_listener.h"
#include "common/wire/grpc_bytes.h"
#include "expert-worker/server/frame_stream.h"
#include "expert-worker/server/handshake.h"
#include "expert-worker/server/status_stream.h"
#include "expert-worker/server/stream_table.h"
#include "windrose/expert/v1/expert.grpc.pb.h"

namespace windrose {
namespace {

constexpr const char* kFramesMethod = "/windrose.expert.v1.ExpertData/Frames";

grpc::Status ToGrpc(const Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), Message(status)};
}

FrameGateLimits GateLimits(const ExpertServerSettings& settings, const HostedModel& model) {
  FrameGateLimits limits;
  limits.frames.max_rows = settings.max_rows;
  limits.frames.max_segments = model.expert_count;
  limits.frames.hidden = model.hidden;
  limits.frames.model_hash = model.model_hash_prefix;
  limits.layer_count = model.layer_count;
  limits.max_budget = settings.max_budget;
  return limits;
}

// What the whole reply amounts to, for metrics.
StatusCode Outcome(const wire::ReplyFrame& frame) {
  for (const wire::Segment& segment : frame.segments) {
    if (segment.status == StatusCode::kOk) return StatusCode::kOk;
  }
  return frame.segments.empty() ? StatusCode::kOk : frame.segments.front().status;
}

gpr_timespec After(Duration delay) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(delay.count(), GPR_TIMESPAN));
}

}  // namespace

// Both services and what they share. gRPC's threads call the services; members are thread-safe.
struct ExpertServer::Impl final : public expert::v1::ExpertControl::CallbackService,
                                  public grpc::CallbackGenericService,
                                  public FrameStreamHost {
  Impl(const ExpertServerSettings& settings_in, HostedModel model_in,
       const ExpertServerParts& parts_in)
      : settings(settings_in),
        model(std::move(model_in)),
        parts(parts_in),
        gate(GateLimits(settings, model)),
        max_frame_bytes(wire::MaxFrameBytes(gate.frames)),
        status_streams(settings.max_links),
        frame_streams(settings.max_links) {}

  grpc::ServerWriteReactor<expert::v1::WorkerStatus>* Join(
      grpc::CallbackServerContext* context, const expert::v1::JoinRequest* request) override;
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  void OnMessage(FrameStream& stream, grpc::ByteBuffer& message) override;
  void OnStreamDone(CallerId caller) override;

  Status TakeFrame(FrameStream& stream, grpc::ByteBuffer& message);
  void Send(FrameStream& stream, const wire::ReplyFrame& frame);
  void Refuse(FrameStream& stream, const AcceptedCall& call, StatusCode code);
  StatusCode Admit(AcceptedCall& call, StatusCode gate_refusal);
  void EndFrames(TimePoint deadline);

  const ExpertServerSettings settings;
  const HostedModel model;
  const ExpertServerParts parts;
  const FrameGateLimits gate;
  const size_t max_frame_bytes;
  std::atomic<WorkerState> state{WorkerState::kLoading};
  std::atomic<bool> stopped{false};
  StreamTable<StatusStream> status_streams;
  StreamTable<FrameStream> frame_streams;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<GrpcListener> listener;
};

grpc::ServerWriteReactor<expert::v1::WorkerStatus>* ExpertServer::Impl::Join(
    grpc::CallbackServerContext* context, const expert::v1::JoinRequest* request) {
  const uint64_t number = status_streams.NewNumber();
  const auto stream =
      std::make_shared<StatusStream>([this, number] { status_streams.Remove(number); });
  const bool has_room = status_streams.Add(number, stream);
  const Status joined = CheckJoin(*request, model);
  if (!joined.ok()) {
    parts.log.Warn("join_refused", {{"peer", context->peer()},
                                    {"coordinator", request->coordinator_id()},
                                    {"why", ToString(joined)}});
    stream->End(ToGrpc(joined));
  } else if (!has_room) {
    stream->End({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many status streams"});
  } else {
    stream->Send(MakeStatus(settings, model, state));
  }
  return stream.get();
}

grpc::ServerGenericBidiReactor* ExpertServer::Impl::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  const CallerId caller(frame_streams.NewNumber());
  const auto stream = std::make_shared<FrameStream>(caller, settings.max_unsent_bytes, *this);
  const bool has_room = frame_streams.Add(caller.value(), stream);
  if (parts.observer != nullptr) parts.observer->OnLinksChanged(frame_streams.size());
  if (context->method() != kFramesMethod) {
    stream->End({grpc::StatusCode::UNIMPLEMENTED, "no such method"});
  } else if (!has_room) {
    stream->End({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many frame streams"});
  } else {
    stream->Open();
  }
  return stream.get();
}

void ExpertServer::Impl::OnMessage(FrameStream& stream, grpc::ByteBuffer& message) {
  const Status taken = TakeFrame(stream, message);
  if (taken.ok()) return;
  parts.log.Warn("frame_refused", {{"link", stream.caller().value()}, {"why", ToString(taken)}});
  if (parts.observer != nullptr) parts.observer->OnStreamRefused(taken.code());
  stream.End(ToGrpc(taken));
}

void ExpertServer::Impl::OnStreamDone(CallerId caller) {
  parts.executor.Forget(caller);
  frame_streams.Remove(caller.value());
  if (parts.observer != nullptr) parts.observer->OnLinksChanged(frame_streams.size());
}

Status ExpertServer::Impl::TakeFrame(FrameStream& stream, grpc::ByteBuffer& message) {
  ASSIGN_OR_RETURN(wire::ReceivedBytes received, wire::Gather(message, max_frame_bytes));
  if (parts.observer != nullptr) parts.observer->OnFrameReceived(received.bytes.size());
  ASSIGN_OR_RETURN(GatedCall gated, GateFrame(received.bytes, std::move(received.owner),
                                              stream.caller(), parts.clock.Now(), gate));
  const StatusCode refusal = Admit(gated.call, gated.refusal);
  if (refusal != StatusCode::kOk) Refuse(stream, gated.call, refusal);
  return OkStatus();
}

// OK: the executor has it now.
StatusCode ExpertServer::Impl::Admit(AcceptedCall& call, StatusCode gate_refusal) {
  if (gate_refusal != StatusCode::kOk) return gate_refusal;
  if (state == WorkerState::kLoading) return StatusCode::kUnavailable;
  return parts.executor.Submit(std::move(call)).code();
}

void ExpertServer::Impl::Refuse(FrameStream& stream, const AcceptedCall& call, StatusCode code) {
  ComputedReply reply = FailedReply(call, code);
  reply.frame.service = parts.clock.Now() - call.arrived;
  reply.frame.queued_rows = parts.executor.waiting_rows();
  Send(stream, reply.frame);
}

void ExpertServer::Impl::Send(FrameStream& stream, const wire::ReplyFrame& frame) {
  std::vector<std::byte> bytes = wire::Encode(frame);
  if (parts.observer != nullptr) parts.observer->OnReplySent(Outcome(frame), bytes.size());
  stream.Send(std::move(bytes));
}

// A coordinator that has read all replies lets go of its connection, status stream and all. Closed
// by us before that, it would be reset, and what the kernel still had of the replies lost.
void ExpertServer::Impl::EndFrames(TimePoint deadline) {
  const size_t links = std::min(frame_streams.size(), status_streams.size());
  const size_t others = status_streams.size() - links;
  for (const auto& stream : frame_streams.All()) stream->End(grpc::Status::OK);
  (void)status_streams.AwaitAtMost(others, deadline);
}

ExpertServer::ExpertServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ExpertServer::~ExpertServer() { Stop(Duration{}); }

StatusOr<std::unique_ptr<ExpertServer>> ExpertServer::Start(const ExpertServerSettings& settings,
                                                            HostedModel model,
                                                            const ExpertServerParts& parts) {
  auto impl = std::make_unique<Impl>(settings, std::move(model), parts);
  GrpcSettings grpc_settings = settings.grpc;
  grpc_settings.message_bytes = impl->max_frame_bytes;
  grpc::ServerBuilder builder;
  ApplyGrpcServerSettings(grpc_settings, builder);
  ASSIGN_OR_RETURN(impl->listener,
                   GrpcListener::Open(settings.listen, grpc_settings, builder, parts.log));
  builder.RegisterService(static_cast<expert::v1::ExpertControl::CallbackService*>(impl.get()));
  builder.RegisterCallbackGenericService(impl.get());
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr) return Unavailable("the gRPC server does not start");
  impl->listener->Start();
  return std::unique_ptr<ExpertServer>(new ExpertServer(std::move(impl)));
}

uint16_t ExpertServer::port() const { return impl_->listener->port(); }

void ExpertServer::SetState(WorkerState state) {
  impl_->state = state;
  SendHeartbeats();
}

void ExpertServer::SendHeartbeats() {
  const expert::v1::WorkerStatus status = MakeStatus(impl_->settings, impl_->model, impl_->state);
  for (const auto& stream : impl_->status_streams.All()) stream->Send(status);
}

void ExpertServer::OnReply(ComputedReply reply) {
  const std::shared_ptr<FrameStream> stream = impl_->frame_streams.Find(reply.caller.value());
  if (stream != nullptr) impl_->Send(*stream, reply.frame);
}

void ExpertServer::Stop(Duration grace) {
  if (impl_->stopped.exchange(true)) return;
  impl_->listener->Close();  // first: whoever is told the end comes back at once
  const TimePoint deadline = impl_->parts.clock.Now() + grace;
  impl_->EndFrames(deadline);
  for (const auto& stream : impl_->status_streams.All()) stream->End(grpc::Status::OK);
  impl_->server->Shutdown(After(deadline - impl_->parts.clock.Now()));
  impl_->server->Wait();
}

}  // namespace windrose
