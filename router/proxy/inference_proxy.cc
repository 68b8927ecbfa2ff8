#include "router/proxy/inference_proxy.h"

#include <algorithm>
#include <utility>

#include "common/base/utf8.h"
#include "router/proxy/replay_policy.h"
#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

void Send(CoordinatorClient& client, const TokenizeCall& call, TimePoint deadline,
          std::function<void(StatusOr<Tokenized>)> done) {
  client.Tokenize(call, deadline, std::move(done));
}

void Send(CoordinatorClient& client, const DetokenizeCall& call, TimePoint deadline,
          std::function<void(StatusOr<std::string>)> done) {
  client.Detokenize(call, deadline, std::move(done));
}

}  // namespace

InferenceProxy::InferenceProxy(const Parts& parts, ProxyOptions options)
    : parts_(parts),
      options_(std::move(options)),
      admission_(parts.loop, parts.probe, options_.admission),
      suspects_(parts.loop, options_.replay.suspect_turn),
      generation_parts_{.loop = parts.loop,
                        .coordinators = parts.coordinators,
                        .suspects = suspects_,
                        .entropy = parts.entropy,
                        .log = parts.log,
                        .probe = parts.probe,
                        .options = options_.replay},
      handler_parts_{.loop = parts.loop,
                     .clock = parts.clock,
                     .admission = admission_,
                     .generation = generation_parts_,
                     .entropy = parts.entropy,
                     .probe = parts.probe,
                     .options = options_.request} {}

InferenceProxy::~InferenceProxy() { CutAll(); }

void InferenceProxy::StartHttp(RequestPlan plan, HttpExchange exchange) {
  parts_.probe.OnIncoming();
  const Status prepared = Prepare(plan);
  if (!prepared.ok()) {
    const HttpResponse response = ErrorResponse(prepared);
    parts_.probe.OnHttpRequest(exchange.route, "POST", response.status, plan.stream,
                               parts_.loop.Now() - exchange.arrived);
    return exchange.responder->Send(response);
  }
  const uint64_t handler_id = ++last_handler_id_;
  // The handler's end comes from inside one of its own calls, so it is destroyed a turn later.
  auto on_end = [this, handler_id, alive = std::weak_ptr<bool>(alive_)] {
    parts_.loop.Post([this, handler_id, alive] {
      if (alive.lock() != nullptr) handlers_.erase(handler_id);
    });
  };
  auto handler = std::make_unique<RequestHandler>(handler_parts_, std::move(plan),
                                                  std::move(exchange), std::move(on_end));
  RequestHandler& started = *handler;
  handlers_.emplace(handler_id, std::move(handler));
  started.Start();
}

Status InferenceProxy::Prepare(RequestPlan& plan) const {
  ASSIGN_OR_RETURN(const std::string name, ResolveModel(plan.call.model));
  plan.call.model = name;
  const std::vector<ModelInfo> models = parts_.coordinators.Models();
  const auto model = std::find_if(models.begin(), models.end(),
                                  [&](const ModelInfo& info) { return info.id == name; });
  const uint64_t values = LogprobValues(plan, model == models.end() ? 0 : model->context_length);
  if (values <= options_.request.logprob_values) return OkStatus();
  return BadField("logprobs", "invalid_value",
                  "the answer could hold " + std::to_string(values) +
                      " log-probabilities, but at most " +
                      std::to_string(options_.request.logprob_values) +
                      " are sent in one piece: ask for fewer tokens, choices or alternatives, or "
                      "for a stream");
}

Status NoSuchModel(const std::string& name) {
  return WithDetail(NotFound("the model '" + Utf8Prefix(name, 64) + "' does not exist"),
                    ErrorDetail{.code = "model_not_found", .param = "model", .retry_after_ms = 0});
}

StatusOr<std::string> InferenceProxy::ResolveModel(const std::string& name) const {
  const std::vector<ModelInfo> models = parts_.coordinators.Models();
  const bool alias =
      name.empty() || std::find(options_.model_aliases.begin(), options_.model_aliases.end(),
                                name) != options_.model_aliases.end();
  const bool known = std::any_of(models.begin(), models.end(),
                                 [&](const ModelInfo& model) { return model.id == name; });
  if (known) return name;
  if (alias) return models.empty() ? std::string() : models.front().id;
  if (models.empty()) {
    parts_.probe.OnRejected(RejectReason::kNoBackend);
    return WithDetail(Unavailable("no coordinator has told its model yet"),
                      ErrorDetail{.code = "model_loading", .param = "", .retry_after_ms = 1000});
  }
  return NoSuchModel(name);
}

std::vector<ServedModel> InferenceProxy::Models() const {
  std::vector<ServedModel> served;
  for (ModelInfo& info : parts_.coordinators.Models()) {
    const bool first = served.empty();
    served.push_back(ServedModel{.info = std::move(info), .aliases = {}});
    if (first) served.back().aliases = options_.model_aliases;
  }
  return served;
}

template <typename Call, typename Result>
void InferenceProxy::Ask(const Call& call, TimePoint deadline, std::set<std::string> avoid,
                         std::function<void(StatusOr<Result>)> done) {
  auto lease = std::make_shared<CoordinatorLease>(parts_.coordinators.Pick(call.model, avoid));
  if (!*lease) {
    parts_.probe.OnRejected(RejectReason::kNoBackend);
    return done(WithDetail(Unavailable("no coordinator is up"),
                           ErrorDetail{.code = "coordinator_unavailable", .retry_after_ms = 1000}));
  }
  CoordinatorClient& client = *(*lease)->client;
  Send(client, call, deadline,
       [this, alive = std::weak_ptr<bool>(alive_), call, deadline, avoid = std::move(avoid), lease,
        done = std::move(done)](StatusOr<Result> result) {
         if (result.ok() || alive.lock() == nullptr) return done(std::move(result));
         const FailureAction action = ClassifyFailure(result.status(), false);
         if (action == FailureAction::kFail) return done(std::move(result));
         std::set<std::string> tried = avoid;
         tried.insert((*lease)->address);
         if (action == FailureAction::kReplay) {
           parts_.coordinators.ReportBroken(**lease);
         } else {
           parts_.coordinators.ReportRefused(**lease);
           // A refusal says more than that nobody is left to ask.
           if (!parts_.coordinators.HasOther(call.model, tried)) return done(std::move(result));
         }
         Ask<Call, Result>(call, deadline, std::move(tried), done);
       });
}

void InferenceProxy::Tokenize(TokenizeCall call, TimePoint deadline,
                              std::function<void(StatusOr<Tokenized>)> done) {
  StatusOr<std::string> model = ResolveModel(call.model);
  if (!model.ok()) return done(model.status());
  call.model = std::move(*model);
  Ask<TokenizeCall, Tokenized>(call, deadline, {}, std::move(done));
}

void InferenceProxy::Detokenize(DetokenizeCall call, TimePoint deadline,
                                std::function<void(StatusOr<std::string>)> done) {
  StatusOr<std::string> model = ResolveModel(call.model);
  if (!model.ok()) return done(model.status());
  call.model = std::move(*model);
  Ask<DetokenizeCall, std::string>(call, deadline, {}, std::move(done));
}

}  // namespace windrose::router
