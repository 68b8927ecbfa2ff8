// InferenceProxy: the router's state behind both fronts, HTTP and gRPC: the coordinators, the
// admission, the requests that are being answered, and the names of the models. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "router/api/models.h"
#include "router/proxy/admission.h"
#include "router/proxy/generation.h"
#include "router/proxy/request_handler.h"
#include "router/proxy/router_probe.h"
#include "router/upstream/coordinator_set.h"

namespace windrose::router {

struct ProxyOptions {
  AdmissionOptions admission;
  ReplayOptions replay;
  RequestOptions request;
  std::vector<std::string> model_aliases = {"mixtral-8x7b", "mistralai/Mixtral-8x7B-Instruct-v0.1",
                                            "mistral/mixtral-8x7b-instruct"};
  Duration unary_timeout = Seconds(10);  // the longest that Tokenize and Detokenize may take
};

// NOT_FOUND, model_not_found: what is said of a name that is no model's.
Status NoSuchModel(const std::string& name);

class InferenceProxy {
 public:
  // All must outlive the proxy.
  struct Parts {
    EventLoop& loop;
    const Clock& clock;
    Entropy& entropy;
    Log& log;
    CoordinatorSet& coordinators;
    const RouterProbe& probe;
  };

  InferenceProxy(const Parts& parts, ProxyOptions options);
  ~InferenceProxy();

  // Answers one HTTP generation request.
  void StartHttp(RequestPlan plan, HttpExchange exchange);

  // The model's own id for an id or alias; empty (any) while no coordinator has told its models
  // yet, when any other name is UNAVAILABLE, model_loading, and counted as rejected. NOT_FOUND,
  // model_not_found, for an unknown name.
  StatusOr<std::string> ResolveModel(const std::string& name) const;

  std::vector<ServedModel> Models() const;

  // Unary calls to a coordinator that is up; another one is asked when the first is gone.
  // `deadline`: of all attempts together.
  void Tokenize(TokenizeCall call, TimePoint deadline,
                std::function<void(StatusOr<Tokenized>)> done);
  void Detokenize(DetokenizeCall call, TimePoint deadline,
                  std::function<void(StatusOr<std::string>)> done);

  // Ends every HTTP request at once, as a disconnect does.
  void CutAll() { handlers_.clear(); }

  Admission& admission() { return admission_; }
  Generation::Parts& generation_parts() { return generation_parts_; }
  const ProxyOptions& options() const { return options_; }
  size_t http_requests() const { return handlers_.size(); }

 private:
  // Resolves the model, and checks what needs it.
  Status Prepare(RequestPlan& plan) const;

  template <typename Call, typename Result>
  void Ask(const Call& call, TimePoint deadline, std::set<std::string> avoid,
           std::function<void(StatusOr<Result>)> done);

  const Parts parts_;
  const ProxyOptions options_;
  Admission admission_;
  SuspectQueue suspects_;
  Generation::Parts generation_parts_;
  RequestHandler::Parts handler_parts_;
  uint64_t last_handler_id_ = 0;
  std::map<uint64_t, std::unique_ptr<RequestHandler>> handlers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted
};

}  // namespace windrose::router
