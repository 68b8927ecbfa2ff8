// windrose-router: the front door. Wiring only.
//
// Threads: main waits for signals; the loop thread owns all state of requests and coordinators; the
// HTTP server, gRPC and the address source have threads of their own and post to the loop.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "common/base/status.h"
#include "common/base/thread_event_loop.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/net/address.h"
#include "common/net/http_server.h"
#include "common/obs/health_state.h"
#include "common/process/process.h"
#include "router/proxy/http_front.h"
#include "router/proxy/http_server_probe.h"
#include "router/proxy/inference_proxy.h"
#include "router/router_config.h"
#include "router/server/grpc_front.h"
#include "router/upstream/coordinator_set.h"
#include "router/upstream/grpc_client.h"

namespace windrose::router {
namespace {

constexpr Duration kHeartbeatPeriod = Seconds(1);
constexpr Duration kLongestSilence = Seconds(10);
constexpr Duration kReadinessPeriod = Milliseconds(200);

// The router's own state, and the thread that runs it. Members are destroyed from the last to the
// first: what uses the loop goes before it.
struct Router {
  Router(const RouterConfig& config, Process& process_in)
      : process(process_in),
        heartbeat(process.health.AddHeartbeat("loop", kLongestSilence)),
        loop(process.clock),
        transport(loop, GrpcSettings{}),
        coordinators(
            {.loop = loop,
             .entropy = process.entropy,
             .log = *process.log,
             .make_client =
                 [this](const std::string& address) { return transport.MakeClient(address); },
             .probe = UpstreamProbe(process.metrics)},
            config.coordinator_set),
        probe(process.metrics),
        proxy({.loop = loop,
               .clock = process.clock,
               .entropy = process.entropy,
               .log = *process.log,
               .coordinators = coordinators,
               .probe = probe},
              config.proxy),
        front({.loop = loop,
               .clock = process.clock,
               .entropy = process.entropy,
               .proxy = proxy,
               .health = process.health,
               .probe = probe,
               .limits = config.request_limits}) {
    ReportCoordinators();
    coordinators.OnChange([this] { ReportCoordinators(); });
    Beat();
    thread = std::thread([this] {
      loop.RunUntil([this] { return stopping; }, loop.Now() + Seconds(1'000'000'000));
    });
  }

  // Everything that was posted before still runs. Idempotent.
  void StopLoop() {
    if (!thread.joinable()) return;
    loop.Post([this] { stopping = true; });
    thread.join();
  }
  ~Router() { StopLoop(); }

  void Beat() {
    heartbeat->Beat();
    loop.After(kHeartbeatPeriod, [this] { Beat(); });
  }

  void ReportCoordinators() {
    bool ready = false;
    for (const ModelInfo& model : coordinators.Models()) ready = ready || model.ready;
    const size_t up = coordinators.up_count();
    process.health.SetCondition("coordinators", up > 0 && ready,
                                std::to_string(up) + " up" + (ready ? "" : ", none is ready"));
  }

  Process& process;
  std::shared_ptr<Heartbeat> heartbeat;
  ThreadEventLoop loop;
  GrpcTransport transport;
  CoordinatorSet coordinators;
  RouterProbe probe;
  InferenceProxy proxy;
  HttpFront front;
  bool stopping = false;  // loop thread only
  std::thread thread;
};

// The doors. Members are closed from the last to the first.
struct Doors {
  std::unique_ptr<AddressSource> addresses;
  std::unique_ptr<GrpcFront> grpc;
  std::shared_ptr<HttpServer> http;
};

Status FindCoordinators(const RouterConfig& config, Router& router, Doors& doors) {
  AddressSource::Options options;
  options.refresh_period = config.resolve_period;
  auto changed = [&router](const std::vector<std::string>& addresses) {
    router.loop.Post([&router, addresses] { router.coordinators.SetAddresses(addresses); });
  };
  ASSIGN_OR_RETURN(doors.addresses, AddressSource::Start(config.coordinators, options,
                                                         std::move(changed), *router.process.log));
  return OkStatus();
}

Status OpenGrpc(const RouterConfig& config, Router& router, Doors& doors) {
  if (config.grpc_listen.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const HostPort address, ParseHostPort(config.grpc_listen));
  GrpcFrontOptions options;
  options.address = address.host;
  options.port = address.port;
  options.reflection = config.grpc_reflection;
  options.write_timeout = config.http.write_timeout;
  options.settings.message_bytes = 4 * 1024 * 1024;  // of the public: prompts, not tensors
  ASSIGN_OR_RETURN(doors.grpc, GrpcFront::Start(options, {.loop = router.loop,
                                                          .proxy = router.proxy,
                                                          .entropy = router.process.entropy,
                                                          .log = *router.process.log,
                                                          .probe = router.probe}));
  return OkStatus();
}

Status OpenHttp(const RouterConfig& config, Router& router, Doors& doors) {
  ASSIGN_OR_RETURN(const HostPort address, ParseHostPort(config.listen));
  HttpServerOptions options;
  options.address = address.host;
  options.port = address.port;
  options.threads = config.http_threads;
  options.limits = config.http;
  auto handler = [&router](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    router.front.Handle(std::move(request), std::move(responder));
  };
  ASSIGN_OR_RETURN(doors.http, HttpServer::Start(options, std::move(handler), *router.process.log,
                                                 router.process.entropy));
  auto report = [probe = std::make_shared<HttpServerProbe>(router.process.metrics),
                 server = std::weak_ptr<HttpServer>(doors.http)] {
    if (const auto open = server.lock()) probe->Report(open->stats());
  };
  router.process.metrics.AddCollector(std::move(report));
  return OkStatus();
}

// Until a signal comes: grpc.health.v1 says what /readyz does.
void Attend(Process& process, Doors& doors) {
  bool serving = false;
  do {
    const bool ready = process.health.ready();
    // Each call tells those who watch, changed or not.
    if (doors.grpc != nullptr && ready != serving) doors.grpc->SetServing(ready);
    serving = ready;
  } while (!process.signals.WaitFor(kReadinessPeriod).has_value());
}

// Not ready first, then no new connection, then the end of what is in flight.
void Drain(const RouterConfig& config, Process& process, Doors& doors) {
  process.log->Info("router_draining");
  process.health.SetDraining();
  if (doors.grpc != nullptr) doors.grpc->SetServing(false);
  if (config.drain_grace > Duration(0)) (void)process.signals.WaitFor(config.drain_grace);
  // Both at once: while one waits for its streams, the other must not take new ones.
  std::thread grpc_stop([&config, &doors] {
    if (doors.grpc != nullptr) doors.grpc->Stop(config.drain_timeout);
  });
  const size_t cut = doors.http->Stop(config.drain_timeout);
  grpc_stop.join();
  process.log->Info("router_stopped", {{"connections_cut", cut}});
}

Status Serve(const RouterConfig& config, Process& process) {
  Router router(config, process);
  Doors doors;
  RETURN_IF_ERROR(process.OpenAdmin(config.process.admin_listen));
  RETURN_IF_ERROR(FindCoordinators(config, router, doors));
  RETURN_IF_ERROR(OpenGrpc(config, router, doors));
  RETURN_IF_ERROR(OpenHttp(config, router, doors));
  process.health.SetStarted();
  process.log->Info("router_serving", {{"listen", config.listen},
                                       {"grpc_listen", config.grpc_listen},
                                       {"coordinators", config.coordinators}});
  Attend(process, doors);
  Drain(config, process, doors);
  return OkStatus();
}

int Main(int argc, char** argv) {
  RouterConfig config;
  ConfigParser parser("windrose-router", "The front door: HTTP and gRPC to coordinators.");
  AddRouterSettings(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const ProcessStart start = {.name = "router",
                              .log_level = config.process.log_level,
                              .cpus = "",
                              .warnings = parser.warnings()};
  return RunProcess(start, [&config](Process& process) { return Serve(config, process); });
}

}  // namespace
}  // namespace windrose::router

int main(int argc, char** argv) { return windrose::router::Main(argc, argv); }
