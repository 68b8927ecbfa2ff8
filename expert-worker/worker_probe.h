// WorkerProbe: the worker's metrics, with a verb for each thing that happens.
//
// Owned by main. Names stand in docs/metrics.md. Thread-safe, but for the compute observer's part,
// which the executor's thread alone uses.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/obs/metric_registry.h"
#include "expert-worker/exec/batch_computer.h"
#include "expert-worker/exec/executor.h"
#include "expert-worker/server/expert_server.h"

namespace windrose {

class WorkerProbe final : public ComputeObserver, public ExecutorObserver, public ServerObserver {
 public:
  WorkerProbe(MetricRegistry& registry, const Clock& clock, const std::vector<ExpertId>& experts);

  // The gauge of waiting rows follows `executor`, which must outlive the registry's last Text().
  void WatchQueue(const Executor& executor);

  void OnLoaded(size_t weight_bytes, Duration took);

  void OnExpertBegin(ExpertId expert, size_t row_count) override;
  void OnExpertEnd(ExpertId expert) override;
  void OnCallStarted(Duration waited) override;
  void OnCallExpired() override;
  void OnFrameReceived(size_t bytes) override;
  void OnReplySent(StatusCode code, size_t bytes) override;
  void OnStreamRefused(StatusCode code) override;
  void OnLinksChanged(size_t links) override;

 private:
  struct ExpertSeries {
    Gauge loaded;
    Counter tokens;
    Counter batches;
    Counter busy_seconds;
    Histogram compute_seconds;
  };
  static constexpr size_t kCodeCount = 17;

  MetricRegistry& registry_;
  const Clock& clock_;
  std::map<ExpertId, ExpertSeries> experts_;
  std::array<Counter, kCodeCount> requests_;
  std::array<Counter, kCodeCount> streams_refused_;
  Histogram queue_wait_seconds_;
  Counter expired_;
  Counter received_bytes_;
  Counter sent_bytes_;
  Gauge links_;
  Gauge load_seconds_;
  Gauge weight_bytes_;
  Gauge queue_rows_;
  TimePoint expert_began_{};
};

}  // namespace windrose
