#include "router/server/grpc_front.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>

#include "common/net/grpc_listener.h"
#include "router/server/generate_call_reactor.h"
#include "router/upstream/inference_proto.h"
#include "windrose/inference/v1/inference.grpc.pb.h"

namespace windrose::router {
namespace {

// For what was written last to leave, before connections are reset. Only somebody who watches our
// health makes it last that long.
constexpr Duration kFarewell = Seconds(1);

// A unary call until gRPC has sent its end. Deletes itself.
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryReactor(OpenCalls& calls) : place_(calls) {}
  void OnDone() override { delete this; }

 private:
  const OpenCalls::Place place_;
};

class PublicService final : public proto::InferenceService::CallbackService {
 public:
  PublicService(const GrpcFront::Parts& parts, Duration write_timeout)
      : parts_(parts), write_timeout_(write_timeout) {}

  grpc::ServerWriteReactor<proto::GenerateEvent>* Generate(
      grpc::CallbackServerContext* context, const proto::GenerateRequest* request) override {
    // Deletes itself when the call is done.
    return new GenerateCallReactor({.loop = parts_.loop,
                                    .proxy = parts_.proxy,
                                    .entropy = parts_.entropy,
                                    .probe = parts_.probe,
                                    .calls = calls_,
                                    .write_timeout = write_timeout_},
                                   *context, *request);
  }

  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context,
                                     const proto::TokenizeRequest* request,
                                     proto::TokenizeResponse* response) override {
    auto* const reactor = new UnaryReactor(calls_);
    const TimePoint deadline = DeadlineOf(*context);
    parts_.loop.Post([this, reactor, response, deadline, call = FromProto(*request)]() mutable {
      const TimePoint begin = parts_.loop.Now();
      if (!call.ok()) return End(*reactor, "Tokenize", begin, call.status());
      auto done = [=, this](const StatusOr<Tokenized>& tokenized) {
        if (tokenized.ok()) ToProto(*tokenized, *response);
        End(*reactor, "Tokenize", begin, tokenized.status());
      };
      parts_.proxy.Tokenize(std::move(*call), deadline, std::move(done));
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* Detokenize(grpc::CallbackServerContext* context,
                                       const proto::DetokenizeRequest* request,
                                       proto::DetokenizeResponse* response) override {
    auto* const reactor = new UnaryReactor(calls_);
    const TimePoint deadline = DeadlineOf(*context);
    parts_.loop.Post([this, reactor, response, deadline, call = FromProto(*request)]() mutable {
      const TimePoint begin = parts_.loop.Now();
      auto done = [=, this](const StatusOr<std::string>& text) {
        if (text.ok()) response->set_text(*text);
        End(*reactor, "Detokenize", begin, text.status());
      };
      parts_.proxy.Detokenize(std::move(call), deadline, std::move(done));
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext*,
                                       const proto::ListModelsRequest*,
                                       proto::ListModelsResponse* response) override {
    auto* const reactor = new UnaryReactor(calls_);
    parts_.loop.Post([this, reactor, response] {
      const TimePoint begin = parts_.loop.Now();
      for (const ServedModel& model : parts_.proxy.Models()) {
        ToProto(model.info, *response->add_models());
      }
      End(*reactor, "ListModels", begin, OkStatus());
    });
    return reactor;
  }

  OpenCalls& calls() { return calls_; }

 private:
  // Of a unary call: a coordinator drops the work that nobody waits for any more.
  TimePoint DeadlineOf(const grpc::CallbackServerContext& context) const {
    return parts_.loop.Now() + TimeLeft(context, parts_.proxy.options().unary_timeout);
  }

  void End(grpc::ServerUnaryReactor& reactor, const char* method, TimePoint begin,
           const Status& status) {
    parts_.probe.OnGrpcRequest(method, static_cast<int>(status.code()), parts_.loop.Now() - begin);
    reactor.Finish(ToGrpcStatus(status));
  }

  const GrpcFront::Parts parts_;
  const Duration write_timeout_;
  OpenCalls calls_;
};

// Begins the shutdown of a server, which must be completed before the end of this: it takes no new
// connection and no new call, and those that are open go on.
class ClosedToNewCalls {
 public:
  explicit ClosedToNewCalls(grpc_server* server)
      : queue_(grpc_completion_queue_create_for_next(nullptr)) {
    grpc_server_shutdown_and_notify(server, queue_, nullptr);
  }
  ~ClosedToNewCalls() {
    NextEvent();  // that the last call has ended
    grpc_completion_queue_shutdown(queue_);
    NextEvent();
    grpc_completion_queue_destroy(queue_);
  }
  ClosedToNewCalls(const ClosedToNewCalls&) = delete;
  ClosedToNewCalls& operator=(const ClosedToNewCalls&) = delete;

 private:
  void NextEvent() {
    grpc_completion_queue_next(queue_, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
  }

  grpc_completion_queue* const queue_;
};

class GrpcFrontServer final : public GrpcFront {
 public:
  GrpcFrontServer(const GrpcFrontOptions& options, const Parts& parts)
      : service_(parts, options.write_timeout) {}
  ~GrpcFrontServer() override { Stop(Duration(0)); }

  Status Listen(const GrpcFrontOptions& options, Log& log) {
    grpc::EnableDefaultHealthCheckService(true);
    if (options.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    ApplyGrpcServerSettings(options.settings, builder);
    ASSIGN_OR_RETURN(listener_, GrpcListener::Open({options.address, options.port},
                                                   options.settings, builder, log));
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return Unavailable("the gRPC server does not start");
    SetServing(false);
    listener_->Start();
    return OkStatus();
  }

  uint16_t port() const override { return listener_->port(); }

  void SetServing(bool serving) override {
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    if (health == nullptr) return;
    for (const char* const name : {"", proto::InferenceService::service_full_name()}) {
      health->SetServingStatus(name, serving);
    }
  }

  void Stop(Duration patience) override {
    if (server_ == nullptr) return;
    EndCalls(patience);
    server_.reset();
  }

 private:
  // grpc::Server's own grace would wait for those who watch our health as well, who never end.
  void EndCalls(Duration patience) {
    listener_->Close();
    const ClosedToNewCalls closed(server_->c_server());
    const bool ended = service_.calls().WaitUntilNone(SystemClock().Now() + patience);
    const Duration grace = ended ? kFarewell : Duration(0);
    server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                   gpr_time_from_nanos(grace.count(), GPR_TIMESPAN)));
    server_->Wait();
  }

  PublicService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<GrpcListener> listener_;
};

}  // namespace

StatusOr<std::unique_ptr<GrpcFront>> GrpcFront::Start(const GrpcFrontOptions& options,
                                                      const Parts& parts) {
  auto front = std::make_unique<GrpcFrontServer>(options, parts);
  RETURN_IF_ERROR(Annotate(front->Listen(options, parts.log), "--grpc-listen"));
  return std::unique_ptr<GrpcFront>(std::move(front));
}

}  // namespace windrose::router
