#include "router/upstream/upstream_probe.h"

namespace windrose::router {
namespace {

constexpr char kRequests[] = "windrose_router_backend_requests_total";
constexpr char kErrors[] = "windrose_router_backend_errors_total";
constexpr char kUp[] = "windrose_router_backend_up";
constexpr char kCircuitState[] = "windrose_router_circuit_state";

MetricLabels LabelsOf(const std::string& address) { return {{"coordinator", address}}; }

}  // namespace

CoordinatorMetrics UpstreamProbe::ForCoordinator(const std::string& address) const {
  CoordinatorMetrics metrics;
  if (registry_ == nullptr) return metrics;
  const MetricLabels labels = LabelsOf(address);
  metrics.requests = registry_->AddCounter(
      kRequests, "Generations sent to a coordinator, replays counted in.", labels);
  metrics.errors =
      registry_->AddCounter(kErrors, "Calls that a coordinator broke or refused.", labels);
  metrics.up =
      registry_->AddGauge(kUp, "1 while the coordinator answers probes and serves.", labels);
  metrics.circuit_state = registry_->AddGauge(
      kCircuitState, "0 closed, 1 open, 2 half open (probed after a failure).", labels);
  return metrics;
}

void UpstreamProbe::Forget(const std::string& address) const {
  if (registry_ == nullptr) return;
  for (const char* const name : {kRequests, kErrors, kUp, kCircuitState}) {
    registry_->Remove(name, LabelsOf(address));
  }
}

}  // namespace windrose::router
