#include "expert-worker/worker_probe.h"

#include <string>

namespace windrose {
namespace {

// "OK", "CANCELLED", …
std::string NameOf(StatusCode code) { return absl::StatusCodeToString(code); }

template <size_t kCount>
void AddByCode(MetricRegistry& registry, const std::string& name, const std::string& help,
               std::array<Counter, kCount>& counters) {
  for (size_t code = 0; code < kCount; ++code) {
    counters[code] =
        registry.AddCounter(name, help, {{"code", NameOf(static_cast<StatusCode>(code))}});
  }
}

}  // namespace

WorkerProbe::WorkerProbe(MetricRegistry& registry, const Clock& clock,
                         const std::vector<ExpertId>& experts)
    : registry_(registry), clock_(clock) {
  for (const ExpertId expert : experts) {
    const MetricLabels labels = {{"expert", std::to_string(expert.value())}};
    ExpertSeries& series = experts_[expert];
    series.loaded =
        registry.AddGauge("windrose_expert_loaded", "1 once the expert can be computed.", labels);
    series.tokens = registry.AddCounter("windrose_expert_tokens_total", "Rows computed.", labels);
    series.batches = registry.AddCounter("windrose_expert_batches_total",
                                         "Passes over the weights of a layer.", labels);
    series.busy_seconds =
        registry.AddCounter("windrose_expert_busy_seconds_total", "Time spent computing.", labels);
    series.compute_seconds = registry.AddHistogram("windrose_expert_compute_seconds",
                                                   "Time of one pass.", LatencyBuckets(), labels);
  }
  AddByCode(registry, "windrose_expert_requests_total", "Calls answered.", requests_);
  AddByCode(registry, "windrose_expert_streams_refused_total",
            "Streams ended because of what came on them.", streams_refused_);
  queue_wait_seconds_ = registry.AddHistogram(
      "windrose_expert_queue_wait_seconds", "Time from arrival to computation.", LatencyBuckets());
  expired_ = registry.AddCounter("windrose_expert_calls_expired_total",
                                 "Calls whose time was over before they were computed.");
  received_bytes_ = registry.AddCounter("windrose_expert_rx_bytes_total", "Frame bytes received.");
  sent_bytes_ = registry.AddCounter("windrose_expert_tx_bytes_total", "Frame bytes sent.");
  links_ = registry.AddGauge("windrose_expert_links", "Streams of coordinators.");
  load_seconds_ =
      registry.AddGauge("windrose_expert_model_load_seconds", "Time from the start until ready.");
  weight_bytes_ = registry.AddGauge("windrose_expert_weight_bytes", "Bytes of weights held.");
  queue_rows_ = registry.AddGauge("windrose_expert_queue_depth", "Rows waiting.");
}

void WorkerProbe::WatchQueue(const Executor& executor) {
  registry_.AddCollector(
      [this, &executor] { queue_rows_.Set(static_cast<double>(executor.waiting_rows())); });
}

void WorkerProbe::OnLoaded(size_t weight_bytes, Duration took) {
  load_seconds_.Set(ToSeconds(took));
  weight_bytes_.Set(static_cast<double>(weight_bytes));
  for (auto& [expert, series] : experts_) series.loaded.Set(1);
}

void WorkerProbe::OnExpertBegin(ExpertId expert, size_t row_count) {
  const ExpertSeries& series = experts_.at(expert);
  series.tokens.Inc(static_cast<double>(row_count));
  series.batches.Inc();
  expert_began_ = clock_.Now();
}

void WorkerProbe::OnExpertEnd(ExpertId expert) {
  const ExpertSeries& series = experts_.at(expert);
  const double seconds = ToSeconds(clock_.Now() - expert_began_);
  series.busy_seconds.Inc(seconds);
  series.compute_seconds.Observe(seconds);
}

void WorkerProbe::OnCallStarted(Duration waited) { queue_wait_seconds_.Observe(ToSeconds(waited)); }

void WorkerProbe::OnCallExpired() { expired_.Inc(); }

void WorkerProbe::OnFrameReceived(size_t bytes) { received_bytes_.Inc(static_cast<double>(bytes)); }

void WorkerProbe::OnReplySent(StatusCode code, size_t bytes) {
  requests_.at(static_cast<size_t>(code)).Inc();
  sent_bytes_.Inc(static_cast<double>(bytes));
}

void WorkerProbe::OnStreamRefused(StatusCode code) {
  streams_refused_.at(static_cast<size_t>(code)).Inc();
}

void WorkerProbe::OnLinksChanged(size_t links) { links_.Set(static_cast<double>(links)); }

}  // namespace windrose
