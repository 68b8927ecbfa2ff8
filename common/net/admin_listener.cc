#include "common/net/admin_listener.h"

#include <cstdio>
#include <utility>

#include "common/net/http_server.h"

namespace windrose {
namespace {

// A scrape is rare and small; strangers get little room.
HttpLimits AdminLimits() {
  HttpLimits limits;
  limits.body_bytes = 1024;
  limits.connections = 128;
  limits.connections_per_address = 32;
  return limits;
}

HttpResponse JsonResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

std::string JsonText(std::string_view text) {
  std::string escaped;
  AppendJsonString(text, escaped);
  return escaped;
}

std::string JsonNumber(double value) {
  char text[32];
  const int count = std::snprintf(text, sizeof text, "%.4f", value);
  return std::string(text, static_cast<size_t>(count));
}

std::string JsonItems(const std::vector<HealthReport::Item>& items) {
  std::string json = "[";
  for (const HealthReport::Item& item : items) {
    if (json.size() > 1) json += ",";
    json += "{\"name\":" + JsonText(item.name) + ",\"ok\":" + (item.ok ? "true" : "false") +
            ",\"reason\":" + JsonText(item.reason) + "}";
  }
  return json + "]";
}

// Why the probe fails, for the short form.
std::string FirstReason(HealthProbe probe, const HealthReport& report) {
  if (probe == HealthProbe::kStartup) return report.startup_phase;
  const bool is_live_probe = probe == HealthProbe::kLive;
  if (!is_live_probe && report.draining) return "draining";
  if (!is_live_probe && !report.started) return "loading: " + report.startup_phase;
  for (const HealthReport::Item& item : is_live_probe ? report.heartbeats : report.conditions) {
    if (!item.ok) return item.name + (item.reason.empty() ? "" : ": " + item.reason);
  }
  return "";
}

class HttpAdminListener final : public AdminListener {
 public:
  explicit HttpAdminListener(std::unique_ptr<HttpServer> server) : server_(std::move(server)) {}
  uint16_t port() const override { return server_->port(); }

 private:
  const std::unique_ptr<HttpServer> server_;
};

}  // namespace

HttpResponse AnswerHealthProbe(HealthProbe probe, bool verbose, const HealthState& health) {
  const HealthReport report = health.Report();
  const bool ok = probe == HealthProbe::kLive    ? report.live
                  : probe == HealthProbe::kReady ? report.ready
                                                 : report.started;
  std::string json = std::string("{\"status\":\"") + (ok ? "ok" : "unavailable") + "\"";
  if (!ok) json += ",\"reason\":" + JsonText(FirstReason(probe, report));
  if (probe == HealthProbe::kStartup) {
    json += ",\"progress\":" + JsonNumber(report.startup_ratio) +
            ",\"phase\":" + JsonText(report.startup_phase);
  }
  if (verbose) {
    json += std::string(",\"live\":") + (report.live ? "true" : "false") +
            ",\"ready\":" + (report.ready ? "true" : "false") +
            ",\"started\":" + (report.started ? "true" : "false") +
            ",\"draining\":" + (report.draining ? "true" : "false") +
            ",\"heartbeats\":" + JsonItems(report.heartbeats) +
            ",\"conditions\":" + JsonItems(report.conditions);
  }
  return JsonResponse(ok ? 200 : 503, json + "}\n");
}

HttpResponse AnswerAdminRequest(const HttpRequest& request, const AdminOptions& options,
                                MetricRegistry& metrics, const HealthState& health) {
  const bool verbose = QueryValue(request.query, "verbose").has_value();
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse refusal = JsonResponse(
        405,
        HttpErrorBody("this port is read only", "invalid_request_error", "method_not_allowed"));
    refusal.fields.push_back({"Allow", "GET, HEAD"});
    return refusal;
  }
  if (request.path == "/livez") return AnswerHealthProbe(HealthProbe::kLive, verbose, health);
  if (request.path == "/readyz") return AnswerHealthProbe(HealthProbe::kReady, verbose, health);
  if (request.path == "/startupz") return AnswerHealthProbe(HealthProbe::kStartup, verbose, health);
  if (request.path == "/metrics") {
    HttpResponse response;
    response.fields = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
    response.body = metrics.Text();
    return response;
  }
  const auto page = options.pages.find(request.path);
  if (page != options.pages.end()) return page->second(request);
  return JsonResponse(404, HttpErrorBody("no such page", "invalid_request_error", "not_found"));
}

StatusOr<std::unique_ptr<AdminListener>> AdminListener::Start(const AdminOptions& options,
                                                              const Sources& sources) {
  HttpServerOptions server_options;
  server_options.address = options.address;
  server_options.port = options.port;
  server_options.limits = AdminLimits();
  auto handler = [options, &metrics = sources.metrics, &health = sources.health](
                     const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
    responder->Send(AnswerAdminRequest(request, options, metrics, health));
  };
  ASSIGN_OR_RETURN(std::unique_ptr<HttpServer> server,
                   HttpServer::Start(server_options, handler, sources.log, sources.entropy));
  return std::unique_ptr<AdminListener>(std::make_unique<HttpAdminListener>(std::move(server)));
}

}  // namespace windrose
