// HttpServerProbe: the metrics of the HTTP server below the requests: connections, and what was
// refused before it became a request. Thread-compatible: the admin listener has one thread.
#pragma once

#include "common/net/http_server.h"
#include "common/obs/metric_registry.h"

namespace windrose::router {

class HttpServerProbe {
 public:
  // `registry` must outlive the probe.
  explicit HttpServerProbe(MetricRegistry& registry);

  // Brings the metrics up to `stats`, which must be those of one server, later each time.
  void Report(const HttpServerStats& stats);

 private:
  Counter accepted_;
  Counter refused_;
  Gauge open_;
  Counter requests_refused_;
  Counter streams_cut_;
};

}  // namespace windrose::router
