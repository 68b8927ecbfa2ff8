#include "router/upstream/upstream_probe.h"

namespace windrose::router {

CoordinatorMetrics UpstreamProbe::ForCoordinator(const std::string& address) const {
  CoordinatorMetrics metrics;
  if (registry_ == nullptr) return metrics;
  const MetricLabels labels{{"coordinator", address}};
  metrics.requests =
      registry_->AddCounter("windrose_router_backend_requests_total",
                            "Generations sent to a coordinator, replays counted in.", labels);
  metrics.errors = registry_->AddCounter("windrose_router_backend_errors_total",
                                         "Calls that a coordinator broke or refused.", labels);
  metrics.up = registry_->AddGauge("windrose_router_backend_up",
                                   "1 while the coordinator answers probes and serves.", labels);
  metrics.circuit_state =
      registry_->AddGauge("windrose_router_circuit_state",
                          "0 closed, 1 open, 2 half open (probed after a failure).", labels);
  return metrics;
}

void UpstreamProbe::Forget(const std::string& address) const {
  if (registry_ != nullptr) registry_->Remove("coordinator", address);
}

}  // namespace windrose::router
