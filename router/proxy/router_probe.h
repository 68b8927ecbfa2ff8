// RouterProbe: the metrics of requests at the router, as handles with verbs. Label values come from
// closed sets. Default-made handles count nothing. Thread-safe.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "common/obs/metric_registry.h"

namespace windrose::router {

enum class Route { kChat, kCompletions, kModels, kHealth, kOther };
enum class RejectReason { kQueueFull, kQueueTimeout, kNoBackend, kCount };

// "/v1/chat/completions", …, "other": the template, never the path of a request.
std::string_view RouteName(Route route);

class RouterProbe {
 public:
  RouterProbe() = default;
  // `registry` must outlive the probe.
  explicit RouterProbe(MetricRegistry& registry);

  void OnHttpRequest(Route route, std::string_view method, int code, bool stream,
                     Duration duration) const;
  void OnGrpcRequest(std::string_view method, int code, Duration duration) const;
  void OnIncoming() const { incoming_.Inc(); }
  void OnRejected(RejectReason reason) const;
  void SetInFlight(double count) const { in_flight_.Set(count); }
  void SetQueue(double depth, double limit) const;
  void OnQueueWait(Duration wait) const { queue_wait_.Observe(ToSeconds(wait)); }
  void OnFirstToken(Duration since_request) const {
    first_token_.Observe(ToSeconds(since_request));
  }
  void OnInterToken(Duration gap) const { inter_token_.Observe(ToSeconds(gap)); }
  void OnDisconnect(bool had_tokens) const { (had_tokens ? gone_decode_ : gone_prefill_).Inc(); }
  void OnKeepAlive() const { keep_alives_.Inc(); }
  void OnStreamError() const { stream_errors_.Inc(); }
  void OnReplay() const { replays_.Inc(); }
  void OnQuarantine() const { quarantines_.Inc(); }

 private:
  MetricRegistry* registry_ = nullptr;
  Counter incoming_;
  std::array<Counter, static_cast<size_t>(RejectReason::kCount)> rejected_;
  Gauge in_flight_;
  Gauge queue_depth_;
  Gauge queue_limit_;
  Histogram queue_wait_;
  Histogram first_token_;
  Histogram inter_token_;
  Counter gone_prefill_;
  Counter gone_decode_;
  Counter keep_alives_;
  Counter stream_errors_;
  Counter replays_;
  Counter quarantines_;
};

}  // namespace windrose::router
