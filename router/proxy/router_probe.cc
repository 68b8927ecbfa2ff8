#include "router/proxy/router_probe.h"

namespace windrose::router {
namespace {

constexpr char kPrefix[] = "windrose_router_";

std::string_view MethodLabel(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "OPTIONS"}) {
    if (method == known) return known;
  }
  return "other";
}

std::string_view GrpcMethodLabel(std::string_view method) {
  for (const std::string_view known : {"Generate", "Tokenize", "Detokenize", "ListModels"}) {
    if (method == known) return known;
  }
  return "other";
}

}  // namespace

std::string_view RouteName(Route route) {
  switch (route) {
    case Route::kChat:
      return "/v1/chat/completions";
    case Route::kCompletions:
      return "/v1/completions";
    case Route::kModels:
      return "/v1/models";
    case Route::kHealth:
      return "/health";
    case Route::kOther:
      break;
  }
  return "other";
}

RouterProbe::RouterProbe(MetricRegistry& registry) : registry_(&registry) {
  const auto counter = [&](const char* name, const char* help, const MetricLabels& labels = {}) {
    return registry.AddCounter(std::string(kPrefix) + name, help, labels);
  };
  const auto latency = [&](const char* name, const char* help) {
    return registry.AddHistogram(std::string(kPrefix) + name, help, LatencyBuckets());
  };
  incoming_ = counter("incoming_requests_total",
                      "Generation requests that came in, the rejected ones counted in.");
  constexpr std::array<const char*, 3> kReasons{"queue_full", "queue_timeout", "no_backend"};
  for (size_t i = 0; i < kReasons.size(); ++i) {
    rejected_[i] = counter("requests_rejected_total", "Requests refused before they began.",
                           {{"reason", kReasons[i]}});
  }
  in_flight_ = registry.AddGauge("windrose_router_requests_in_flight", "Requests being answered.");
  queue_depth_ =
      registry.AddGauge("windrose_router_queue_depth", "Requests waiting for admission.");
  queue_limit_ = registry.AddGauge("windrose_router_queue_limit", "How many requests may wait.");
  queue_wait_ = latency("queue_wait_seconds", "From arrival to admission.");
  first_token_ = latency("time_to_first_token_seconds", "From arrival to the first token.");
  inter_token_ = latency("inter_token_latency_seconds", "Between two tokens of one generation.");
  const char* const gone = "Clients that went away before the end.";
  gone_prefill_ = counter("client_disconnects_total", gone, {{"phase", "prefill"}});
  gone_decode_ = counter("client_disconnects_total", gone, {{"phase", "decode"}});
  keep_alives_ = counter("sse_keepalives_total", "Comments sent to keep silent streams open.");
  stream_errors_ = counter("stream_errors_total", "Streams that failed after they began.");
  replays_ = counter("backend_retries_total",
                     "Generations carried on by another coordinator, or by one that came back.");
  quarantines_ = counter("requests_quarantined_total",
                         "Requests given up because coordinators died of them again and again.");
}

void RouterProbe::OnRejected(RejectReason reason) const {
  rejected_[static_cast<size_t>(reason)].Inc();
}

void RouterProbe::SetQueue(double depth, double limit) const {
  queue_depth_.Set(depth);
  queue_limit_.Set(limit);
}

void RouterProbe::OnHttpRequest(Route route, std::string_view method, int code, bool stream,
                                Duration duration) const {
  if (registry_ == nullptr) return;
  const std::string route_name(RouteName(route));
  const std::string method_name(MethodLabel(method));
  registry_
      ->AddCounter("windrose_router_http_requests_total", "HTTP requests answered.",
                   {{"route", route_name}, {"method", method_name}, {"code", std::to_string(code)}})
      .Inc();
  registry_
      ->AddHistogram("windrose_router_http_request_duration_seconds",
                     "From the request to the end of its answer.", LatencyBuckets(),
                     {{"route", route_name},
                      {"method", method_name},
                      {"code_class", std::to_string(code / 100) + "xx"},
                      {"stream", stream ? "true" : "false"}})
      .Observe(ToSeconds(duration));
}

void RouterProbe::OnGrpcRequest(std::string_view method, int code, Duration duration) const {
  if (registry_ == nullptr) return;
  const MetricLabels labels{{"service", "windrose.inference.v1.InferenceService"},
                            {"method", std::string(GrpcMethodLabel(method))},
                            {"code", std::to_string(code)}};
  registry_
      ->AddCounter("windrose_router_grpc_requests_total", "gRPC calls answered, by status code.",
                   labels)
      .Inc();
  registry_
      ->AddHistogram("windrose_router_grpc_request_duration_seconds",
                     "From the call to its status.", LatencyBuckets(), labels)
      .Observe(ToSeconds(duration));
}

}  // namespace windrose::router
