// UpstreamProbe: the metrics of the coordinators as the router sees them. Thread-safe.
#pragma once

#include <string>

#include "common/obs/metric_registry.h"

namespace windrose::router {

// The handles of one coordinator. Default-made ones count nothing.
struct CoordinatorMetrics {
  Counter requests;
  Counter errors;
  Gauge up;
  Gauge circuit_state;  // 0 closed, 1 open, 2 half open: being probed after a failure
};

class UpstreamProbe {
 public:
  UpstreamProbe() = default;
  // `registry` must outlive the probe and what it makes.
  explicit UpstreamProbe(MetricRegistry& registry) : registry_(&registry) {}

  CoordinatorMetrics ForCoordinator(const std::string& address) const;
  // The coordinator is no more, and no handle of it is used again: an address that comes with each
  // new pod must not stay for ever, and say that it is down.
  void Forget(const std::string& address) const;

 private:
  MetricRegistry* registry_ = nullptr;
};

}  // namespace windrose::router
