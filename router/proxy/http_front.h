// HttpFront: the public routes. Default deny: what is not in the table is 404.
//
//   POST /v1/chat/completions   POST /v1/completions
//   GET  /v1/models             GET  /v1/models/{id}     the id may hold '/', plain or as %2F
//   GET  /health                GET  /readyz             status only
//
// Handle runs on the HTTP server's threads: it routes, checks and parses there, and posts to the
// loop what needs the router's state. Thread-safe.
#pragma once

#include <memory>

#include "common/base/event_loop.h"
#include "common/base/random.h"
#include "common/net/http_server.h"
#include "common/obs/health_state.h"
#include "router/api/openai_request.h"
#include "router/proxy/inference_proxy.h"

namespace windrose::router {

class HttpFront {
 public:
  // All must outlive the front and every request that it was given.
  struct Parts {
    EventLoop& loop;
    const Clock& clock;
    Entropy& entropy;
    InferenceProxy& proxy;  // touched on the loop only
    const HealthState& health;
    const RouterProbe& probe;
    RequestLimits limits;
  };

  explicit HttpFront(const Parts& parts) : parts_(parts) {}

  void Handle(HttpRequest request, std::shared_ptr<HttpResponder> responder);

 private:
  void HandleChat(const HttpRequest& request, HttpExchange exchange);
  void HandleCompletion(const HttpRequest& request, HttpExchange exchange);
  void HandleModels(const HttpRequest& request, HttpExchange exchange);
  void HandleHealth(const HttpRequest& request, const HttpExchange& exchange);
  void Start(RequestPlan plan, HttpExchange exchange);
  void Refuse(const HttpExchange& exchange, std::string_view method, const Status& status,
              const std::vector<HttpField>& fields = {});

  Parts parts_;
};

}  // namespace windrose::router
