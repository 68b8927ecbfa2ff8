#include "router/router_config.h"

#include "common/net/address.h"

namespace windrose::router {
namespace {

constexpr Duration kShort = Milliseconds(1);
constexpr Duration kHour = Seconds(3600);

void AddListeners(ConfigParser& parser, RouterConfig& config) {
  parser.Add("listen", config.listen, "ip:port of the public HTTP listener");
  parser.Add("grpc-listen", config.grpc_listen, "host:port of the public gRPC listener, or empty");
  parser.Add("grpc-reflection", config.grpc_reflection, "serve gRPC reflection");
  parser.Add("http-threads", config.http_threads, "threads of the HTTP listener", 1, 64);
  parser.Add("drain-grace", config.drain_grace,
             "after SIGTERM: how long to go on accepting while not ready", Duration(0), kHour);
  parser.Add("drain-timeout", config.drain_timeout,
             "after SIGTERM: how long streams in flight may take", kShort, 24 * kHour);
}

void AddCoordinators(ConfigParser& parser, RouterConfig& config) {
  CoordinatorSetOptions& set = config.coordinator_set;
  ReplayOptions& replay = config.proxy.replay;
  parser.Add("coordinators", config.coordinators,
             "host:port of each coordinator, separated by commas, or dns:///name:port");
  parser.Add("resolve-period", config.resolve_period, "between two resolutions of a dns:/// name",
             kShort, kHour);
  parser.Add("probe-period", set.probe_period, "between two probes of a coordinator", kShort,
             kHour);
  parser.Add("probe-timeout", set.probe_timeout, "for a probe's answer", kShort, kHour);
  parser.Add("missed-probes", set.missed_probes, "probes without answer that take one out", 1, 100);
  parser.Add("silence-limit", replay.silence_limit,
             "of a generation and in the probes of its coordinator, before another one that is up "
             "goes on with it",
             kShort, kHour);
  parser.Add("wait-limit", replay.wait_limit,
             "how long a generation waits for a coordinator that takes it", kShort, kHour);
  parser.Add("death-limit", replay.death_limit,
             "deaths in a row of coordinators that had a request, after which it is given up", 1,
             100);
  parser.Add("suspect-turn", replay.suspect_turn,
             "how long a request that one more death would end is tried while no other such one is",
             kShort, kHour);
}

void AddRequestLimits(ConfigParser& parser, RouterConfig& config) {
  RequestLimits& limits = config.request_limits;
  AdmissionOptions& admission = config.proxy.admission;
  RequestOptions& request = config.proxy.request;
  parser.Add("model-alias", config.proxy.model_aliases, "other names of the model");
  parser.Add("max-in-flight", admission.in_flight_limit, "requests answered at once", 1, 65536);
  parser.Add("max-queue", admission.queue_limit, "requests that wait for their turn", 0, 65536);
  parser.Add("queue-timeout", admission.queue_timeout, "how long a request waits", kShort, kHour);
  parser.Add("request-deadline", request.deadline, "of a request, from arrival to the last byte",
             kShort, 24 * kHour);
  parser.Add("keep-alive", request.keep_alive, "silence of a stream before a comment; 0s: never",
             Duration(0), kHour);
  parser.Add("max-parallel-choices", request.parallel_choices,
             "choices of one request that are generated at once", 1, 1024);
  parser.Add("max-logprob-values", request.logprob_values,
             "log-probabilities that an answer which is not streamed may hold", uint64_t{1},
             uint64_t{1} << 32);
  parser.Add("max-choices", limits.choices_per_prompt, "largest n", 1, 128);
  parser.Add("max-prompts", limits.prompts, "prompts of one completion request", 1, 1024);
  parser.Add("max-completion-logprobs", limits.completion_logprobs,
             "largest logprobs of a completion request", 0, 100);
  parser.Add("max-stop-strings", limits.stop_strings, "stop strings of one request", 0, 64);
  parser.Add("max-stop-bytes", limits.stop_bytes, "bytes of one stop string", uint64_t{1},
             uint64_t{4096});
  parser.Add("max-logit-bias", limits.logit_bias, "entries of a logit bias", 0, 8192);
}

void AddHttpLimits(ConfigParser& parser, RouterConfig& config) {
  HttpLimits& http = config.http;
  parser.AddBytes("max-body", http.body_bytes, "largest request body", 1, 1ULL << 30);
  parser.Add("head-timeout", http.head_timeout, "for a request's head", kShort, kHour);
  parser.Add("body-timeout", http.body_timeout, "for a request's body", kShort, kHour);
  parser.Add("idle-timeout", http.idle_timeout, "of a connection between requests", kShort, kHour);
  parser.Add("write-timeout", http.write_timeout,
             "for a buffer-full, or an event over gRPC, to leave", kShort, kHour);
  parser.Add("max-connections", http.connections,
             "open connections; never more than half of the descriptors that the process may have",
             uint64_t{1}, uint64_t{1} << 20);
  parser.Add("max-connections-per-address", http.connections_per_address,
             "open connections of one address", uint64_t{1}, uint64_t{1} << 20);
}

Status CheckAddress(const char* flag, const std::string& text) {
  const StatusOr<HostPort> address = ParseHostPort(text);
  return address.ok() ? OkStatus() : Annotate(address.status(), flag);
}

Status CheckConfig(const RouterConfig& config) {
  RETURN_IF_ERROR(Annotate(ParseListenAddress(config.listen).status(), "--listen"));
  if (!config.grpc_listen.empty()) {
    RETURN_IF_ERROR(CheckAddress("--grpc-listen", config.grpc_listen));
  }
  const std::string& admin_listen = config.process.admin_listen;
  if (config.listen == admin_listen || config.listen == config.grpc_listen ||
      admin_listen == config.grpc_listen) {
    return InvalidArgument(
        "--listen, --grpc-listen, --admin-listen: wanted three addresses, came " + config.listen +
        ", " + config.grpc_listen + ", " + admin_listen);
  }
  RETURN_IF_ERROR(Annotate(ParseAddressSpec(config.coordinators).status(), "--coordinators"));
  if (config.proxy.replay.silence_limit <= 2 * config.coordinator_set.probe_period) {
    return InvalidArgument(
        "--silence-limit: wanted more than twice --probe-period, so that no coordinator is taken "
        "for silent between two probes");
  }
  if (config.drain_timeout < config.proxy.request.deadline) {
    return InvalidArgument(
        "--drain-timeout: wanted at least --request-deadline, so that no stream "
        "is cut");
  }
  return OkStatus();
}

}  // namespace

void AddRouterSettings(ConfigParser& parser, RouterConfig& config) {
  AddListeners(parser, config);
  AddProcessSettings(parser, config.process);
  AddCoordinators(parser, config);
  AddRequestLimits(parser, config);
  AddHttpLimits(parser, config);
  parser.AddCheck([&config] { return CheckConfig(config); });
}

}  // namespace windrose::router
