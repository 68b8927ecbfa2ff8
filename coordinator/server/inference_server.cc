#include "coordinator/server/inference_server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <memory>
#include <string>
#include <utility>

#include "common/net/grpc_listener.h"
#include "coordinator/server/call_registry.h"
#include "coordinator/server/generate_call.h"
#include "coordinator/server/inference_service.h"

namespace windrose {
namespace {

// Of one connection, beside Generate: a router's probes and short calls must never wait for those.
constexpr size_t kOtherCalls = 64;

constexpr char kServiceName[] = "windrose.inference.v1.InferenceService";

GrpcSettings SettingsFor(const InferenceServerOptions& options) {
  GrpcSettings settings = options.grpc;
  const auto calls = static_cast<int>(std::min<size_t>(options.open_calls + kOtherCalls, INT_MAX));
  settings.concurrent_streams = std::max(settings.concurrent_streams, calls);
  return settings;
}

uint32_t Milliseconds32(Duration duration) {
  return static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

class GrpcInferenceServer final : public InferenceServer {
 public:
  GrpcInferenceServer(const InferenceServerOptions& options, const InferenceServerParts& parts)
      : options_(options),
        parts_(parts),
        registry_(options.open_calls),
        texts_(options.open_calls),
        service_(std::make_shared<const CallEnvironment>(CallEnvironment{
                     parts.model, parts.tokenizer, parts.generator, parts.clock, parts.observer,
                     registry_, texts_, options.time_limit, Milliseconds32(options.retry_after)}),
                 options_.limits, parts.entropy) {}

  ~GrpcInferenceServer() override { Drain(Duration{}); }

  Status Listen() {
    RETURN_IF_ERROR(CheckInsecureListener("the inference listener", options_.listen.host,
                                          options_.allow_insecure));
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    const GrpcSettings settings = SettingsFor(options_);
    ApplyGrpcServerSettings(settings, builder);
    ASSIGN_OR_RETURN(listener_, GrpcListener::Open(options_.listen, settings, builder, parts_.log));
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return Unavailable("the gRPC server does not start");
    SetServing(false);
    listener_->Start();
    return OkStatus();
  }

  uint16_t port() const override { return listener_->port(); }

  void SetServing(bool serving) override {
    if (server_ == nullptr) return;
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    const bool serves = serving && !registry_.draining();
    health->SetServingStatus("", serves);
    health->SetServingStatus(kServiceName, serves);
  }

  bool Drain(Duration grace) override {
    if (server_ == nullptr) return true;
    registry_.BeginDrain();
    SetServing(false);
    const bool all_ended = registry_.WaitUntilEmpty(parts_.clock.Now() + grace);
    if (!all_ended) AbortRest();
    // Everything of ours has ended; what remains are health watchers and idle connections.
    listener_->Close();
    server_->Shutdown(gpr_time_from_millis(0, GPR_TIMESPAN));
    server_->Wait();
    server_ = nullptr;
    return all_ended;
  }

 private:
  void AbortRest() {
    const size_t aborted = registry_.AbortAll(
        Unavailable("draining: this coordinator stops before the answer was complete"));
    parts_.log.Warn("drain_aborted_calls", {{"calls", aborted}});
    if (!registry_.WaitUntilEmpty(parts_.clock.Now() + options_.abort_grace)) {
      parts_.log.Error("drain_calls_left", {{"grace_s", ToSeconds(options_.abort_grace)}});
    }
  }

  const InferenceServerOptions options_;
  const InferenceServerParts parts_;
  CallRegistry registry_;
  TextThread texts_;
  InferenceService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<GrpcListener> listener_;
};

}  // namespace

StatusOr<std::unique_ptr<InferenceServer>> InferenceServer::Start(
    const InferenceServerOptions& options, const InferenceServerParts& parts) {
  auto server = std::make_unique<GrpcInferenceServer>(options, parts);
  RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<InferenceServer>(std::move(server));
}

}  // namespace windrose
