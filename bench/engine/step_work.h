// What steps have to read and to compute, however long they take: the lower bound that a measured
// time is compared with. Thread-compatible.
#pragma once

#include <cstdint>
#include <vector>

#include "common/model/checkpoint.h"
#include "coordinator/engine/engine_observer.h"

namespace windrose::bench {

// Of some steps. Sums and differences are taken field by field.
struct StepWork {
  uint64_t steps = 0;
  uint64_t rows = 0;
  uint64_t expert_passes = 0;  // (layer, expert) pairs whose weights were read
  uint64_t expert_rows = 0;    // rows that went to an expert, over all of those

  StepWork operator-(const StepWork& other) const;
};

// The weights that a step reads whole, and how much each has.
struct WeightCost {
  double bytes = 0;
  double parameters = 0;
};

struct ModelCost {
  WeightCost layers;  // of all layers, without experts
  WeightCost expert;  // one expert in one layer
  WeightCost head;

  static ModelCost Of(const CoordinatorWeights& weights, const ExpertMatrices& expert);

  // Weights only: keys and values of short contexts, and activations, are small beside them.
  // The head is read in each step and multiplied with one row for each of `tokens`.
  double Bytes(const StepWork& work) const;
  double Operations(const StepWork& work, double tokens) const;
};

// Adds up the work of an engine's steps.
class StepWorkCounter final : public EngineObserver {
 public:
  void OnStep(const StepReport& report) override;
  void OnLoad(const LoadReport&) override {}
  void OnDispatch(const DispatchStats&) override {}
  void OnToken(Duration) override {}
  void OnRequestEnd(const RequestReport&) override {}

  const StepWork& work() const { return work_; }

 private:
  StepWork work_;
  std::vector<uint64_t> assignments_;  // [layers, experts] as the last step left them
};

}  // namespace windrose::bench
