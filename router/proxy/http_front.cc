#include "router/proxy/http_front.h"

#include <string>
#include <utility>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

constexpr std::string_view kModelsPath = "/v1/models";

Route RouteOf(std::string_view path) {
  if (path == "/v1/chat/completions") return Route::kChat;
  if (path == "/v1/completions") return Route::kCompletions;
  if (path == "/health" || path == "/readyz") return Route::kHealth;
  if (path == kModelsPath) return Route::kModels;
  if (path.starts_with(kModelsPath) && path[kModelsPath.size()] == '/') return Route::kModels;
  return Route::kOther;
}

bool IsGeneration(Route route) { return route == Route::kChat || route == Route::kCompletions; }

Status WithCode(const Status& status, const char* code) {
  return WithDetail(status, ErrorDetail{.code = code, .param = "", .retry_after_ms = 0});
}

// "%2F" is the one escape that the gate leaves in a path.
std::string DecodeSlashes(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i, 3);
    const bool slash = rest == "%2F" || rest == "%2f";
    decoded += slash ? '/' : text[i];
    if (slash) i += 2;
  }
  return decoded;
}

HttpResponse JsonResponse(std::string body) {
  return HttpResponse{
      .status = 200,
      .fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
      .body = std::move(body)};
}

HttpResponse ModelResponse(const std::vector<ServedModel>& models, const std::string& name,
                           int64_t created) {
  if (name.empty()) return JsonResponse(ModelListBody(models, created));
  for (const ServedModel& model : models) {
    bool named = model.info.id == name;
    for (const std::string& alias : model.aliases) named = named || alias == name;
    if (named) return JsonResponse(ModelBody(model, created));
  }
  return ErrorResponse(NoSuchModel(name));
}

}  // namespace

void HttpFront::Handle(HttpRequest request, std::shared_ptr<HttpResponder> responder) {
  HttpExchange exchange{.request_id = request.id,
                        .route = RouteOf(request.path),
                        .arrived = parts_.loop.Now(),
                        .responder = std::move(responder)};
  if (exchange.route == Route::kOther) {
    return Refuse(exchange, request.method,
                  WithCode(NotFound("there is no such URL"), "unknown_url"));
  }
  const bool generation = IsGeneration(exchange.route);
  const char* const allowed = generation ? "POST" : "GET, HEAD";
  const bool fits =
      generation ? request.method == "POST" : request.method == "GET" || request.method == "HEAD";
  if (!fits) {
    return Refuse(exchange, request.method,
                  WithCode(InvalidArgument(std::string("the method must be ") + allowed),
                           "method_not_allowed"),
                  {{"Allow", allowed}});
  }
  if (!generation) {
    return exchange.route == Route::kModels ? HandleModels(request, std::move(exchange))
                                            : HandleHealth(request, exchange);
  }
  const std::string* const type = request.Field("content-type");
  if (type == nullptr || !IsJsonContentType(*type)) {
    return Refuse(exchange, request.method,
                  WithCode(InvalidArgument("the body must be application/json in UTF-8"),
                           "unsupported_media_type"));
  }
  exchange.route == Route::kChat ? HandleChat(request, std::move(exchange))
                                 : HandleCompletion(request, std::move(exchange));
}

void HttpFront::HandleChat(const HttpRequest& request, HttpExchange exchange) {
  StatusOr<ChatRequest> parsed = ParseChatRequest(request.body, parts_.limits);
  if (!parsed.ok()) return Refuse(exchange, request.method, parsed.status());
  Start(PlanChat(std::move(*parsed), request.id, parts_.entropy.Next()), std::move(exchange));
}

void HttpFront::HandleCompletion(const HttpRequest& request, HttpExchange exchange) {
  StatusOr<CompletionRequest> parsed = ParseCompletionRequest(request.body, parts_.limits);
  if (!parsed.ok()) return Refuse(exchange, request.method, parsed.status());
  Start(PlanCompletion(std::move(*parsed), request.id, parts_.entropy.Next()), std::move(exchange));
}

void HttpFront::Start(RequestPlan plan, HttpExchange exchange) {
  parts_.loop.Post([this, plan = std::move(plan), exchange = std::move(exchange)]() mutable {
    parts_.proxy.StartHttp(std::move(plan), std::move(exchange));
  });
}

void HttpFront::HandleModels(const HttpRequest& request, HttpExchange exchange) {
  const std::string_view path = request.path;
  std::string name;
  if (path.size() > kModelsPath.size()) name = DecodeSlashes(path.substr(kModelsPath.size() + 1));
  parts_.loop.Post(
      [this, name = std::move(name), method = request.method, exchange = std::move(exchange)] {
        const HttpResponse response =
            ModelResponse(parts_.proxy.Models(), name, parts_.clock.UnixSeconds());
        parts_.probe.OnHttpRequest(exchange.route, method, response.status, false,
                                   parts_.loop.Now() - exchange.arrived);
        exchange.responder->Send(response);
      });
}

void HttpFront::HandleHealth(const HttpRequest& request, const HttpExchange& exchange) {
  const bool ready = parts_.health.ready();
  HttpResponse response =
      JsonResponse(ready ? "{\"status\":\"ok\"}" : "{\"status\":\"unavailable\"}");
  response.status = ready ? 200 : 503;
  parts_.probe.OnHttpRequest(exchange.route, request.method, response.status, false, Duration(0));
  exchange.responder->Send(std::move(response));
}

void HttpFront::Refuse(const HttpExchange& exchange, std::string_view method, const Status& status,
                       const std::vector<HttpField>& fields) {
  if (IsGeneration(exchange.route)) parts_.probe.OnIncoming();
  HttpResponse response = ErrorResponse(status);
  response.fields.insert(response.fields.end(), fields.begin(), fields.end());
  parts_.probe.OnHttpRequest(exchange.route, method, response.status, false,
                             parts_.loop.Now() - exchange.arrived);
  exchange.responder->Send(std::move(response));
}

}  // namespace windrose::router
