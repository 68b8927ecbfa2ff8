// CoordinatorProbe: the coordinator's metrics, fed by the engine and the server.
//
// Owned by main. Names stand in docs/metrics.md. The engine's verbs are called on the engine's
// thread; the server's are thread-safe. Cost: a few dozen updates per step, none per row.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/time.h"
#include "common/obs/health_state.h"
#include "common/obs/metric_registry.h"
#include "coordinator/engine/engine_observer.h"
#include "coordinator/server/inference_observer.h"

namespace windrose {

class CoordinatorProbe final : public EngineObserver, public InferenceObserver {
 public:
  struct Shape {
    uint32_t layers = 0;
    uint32_t experts = 0;
    uint32_t kv_blocks = 0;
    uint32_t kv_block_size = 0;
  };

  // `registry` and `clock` must outlive this. `heartbeat` beats whenever the engine reports.
  CoordinatorProbe(MetricRegistry& registry, const Clock& clock, const Shape& shape,
                   std::shared_ptr<Heartbeat> heartbeat);

  void OnStep(const StepReport& report) override;
  void OnLoad(const LoadReport& report) override;
  void OnDispatch(const DispatchStats& stats) override;
  void OnToken(Duration since_previous) override;
  void OnRequestEnd(const RequestReport& report) override;

  void OnTokenized(Duration duration) override;
  void OnCallEnded(std::string_view method, StatusCode code, Duration duration) override;

 private:
  struct WorkerSeries {
    Gauge up;
    std::map<std::string, Counter> calls;  // by outcome: ok, error, overdue
    Counter sent_bytes;
    Counter received_bytes;
    Histogram seconds;
    double round_trips = 0;
    uint64_t replies = 0;
  };

  void AddEngineMetrics(const Shape& shape);
  void AddRequestMetrics();
  void AddExpertMetrics(const Shape& shape);
  WorkerSeries& SeriesOf(const std::string& address);
  void ForgetWorkersBut(const std::vector<WorkerStats>& known);
  void FollowWorker(const WorkerStats& stats);

  MetricRegistry& registry_;
  const Clock& clock_;
  const std::shared_ptr<Heartbeat> heartbeat_;

  Gauge running_, waiting_, kv_usage_, kv_used_, kv_free_, last_step_;
  Counter preemptions_;
  std::array<Histogram, 2> step_seconds_, step_tokens_, step_sequences_;  // by phase
  std::array<Histogram, kStageCount> stage_seconds_;
  Histogram tokenize_seconds_;

  Counter prompt_tokens_, generated_tokens_;
  std::map<std::string, Counter, std::less<>> finished_;  // by reason
  Histogram queue_seconds_, prefill_seconds_, decode_seconds_, e2e_seconds_;
  Histogram first_token_seconds_, inter_token_seconds_;
  Histogram request_prompt_tokens_, request_generated_tokens_;

  std::vector<Counter> assignments_;    // [layers, experts]
  std::vector<Counter> gate_weights_;   // [layers, experts]
  std::vector<Histogram> expert_rows_;  // [experts]
  std::vector<Counter> failovers_;      // [experts]
  std::vector<Gauge> replicas_ready_;   // [experts]
  Counter retries_, late_replies_;
  Gauge placement_epoch_;
  std::map<std::string, WorkerSeries> workers_;  // by address

  Mutex calls_mutex_;
  std::map<std::pair<std::string, StatusCode>, Counter> calls_ WINDROSE_GUARDED_BY(calls_mutex_);
  std::map<std::string, Histogram> call_seconds_ WINDROSE_GUARDED_BY(calls_mutex_);
};

}  // namespace windrose
