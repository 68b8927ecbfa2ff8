// Step: one forward pass of a batch. Owned by the engine; engine thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/event_loop.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/model/checkpoint.h"
#include "common/model/config.h"
#include "coordinator/engine/engine_observer.h"
#include "coordinator/experts/dispatcher.h"
#include "coordinator/layers/activations.h"
#include "coordinator/layers/attention.h"
#include "coordinator/layers/embedding.h"
#include "coordinator/layers/gate.h"
#include "coordinator/layers/kv_cache.h"
#include "coordinator/layers/lm_head.h"
#include "coordinator/values/batch.h"

namespace windrose {

// What the gate chose since the start.
struct RoutingTally {
  std::vector<uint64_t> assignments;  // [layers, experts]
  std::vector<double> gate_weights;   // [layers, experts]
  std::vector<uint32_t> step_rows;    // [experts], this step
};

// Sees what a step computes on the way; parity and determinism tests compare it. Engine thread.
class StepProbe {
 public:
  virtual ~StepProbe() = default;
  virtual void OnGate(const Batch& batch, LayerIndex layer, const GateOutput& gate) = 0;
  virtual void OnLogits(const Batch& batch, const Logits& logits) = 0;
};

class Step {
 public:
  // All references must outlive this.
  Step(const MixtralConfig& config, const CoordinatorWeights& weights, Dispatcher& dispatcher,
       ThreadPool& pool, const EventLoop& loop);

  // Reads `batch`; writes `kv` and `act` only. The logits live in `act` until the next step. Fails
  // only when experts stay out of reach or cannot compute their rows; `kv` then holds nothing that
  // a repeated step does not overwrite.
  StatusOr<const Logits*> Run(const Batch& batch, KvCache& kv, Activations& act);

  // Sequences of the last step that came to numbers that are not finite. Their logits mean nothing;
  // those of the others are what they would be without them.
  const std::vector<SequenceId>& not_finite() const { return not_finite_; }

  const RoutingTally& tally() const { return tally_; }
  const StageTimes& stage_times() const { return stage_times_; }  // of the last step
  void set_probe(StepProbe* probe) { probe_ = probe; }            // may be null

 private:
  void SetAsideNotFinite(const Batch& batch, Activations& act);
  void Count(const Batch& batch, LayerIndex layer);
  void BeginTimes();
  void Lap(Stage stage);
  void LapExchange();

  const MixtralConfig config_;
  const EventLoop& loop_;
  Dispatcher& dispatcher_;
  Embedding embedding_;
  Attention attention_;
  Gate gate_;
  LmHead lm_head_;
  GateOutput chosen_;
  ExpertOutputs outputs_;
  std::vector<SequenceId> not_finite_;
  RoutingTally tally_;
  StageTimes stage_times_{};
  TimePoint lap_began_;
  Duration waited_before_{};
  StepProbe* probe_ = nullptr;
};

}  // namespace windrose
