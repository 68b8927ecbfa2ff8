#include "bench/engine/step_work.h"

#include <initializer_list>

namespace windrose::bench {
namespace {

WeightCost SumOf(std::initializer_list<const WeightView*> matrices) {
  WeightCost cost;
  for (const WeightView* matrix : matrices) {
    cost.bytes += static_cast<double>(matrix->bytes());
    cost.parameters += static_cast<double>(matrix->rows * matrix->cols);
  }
  return cost;
}

}  // namespace

StepWork StepWork::operator-(const StepWork& other) const {
  return {.steps = steps - other.steps,
          .rows = rows - other.rows,
          .expert_passes = expert_passes - other.expert_passes,
          .expert_rows = expert_rows - other.expert_rows};
}

ModelCost ModelCost::Of(const CoordinatorWeights& weights, const ExpertMatrices& expert) {
  ModelCost cost;
  for (const LayerWeights& layer : weights.layers) {
    const WeightCost one =
        SumOf({&layer.query, &layer.key, &layer.value, &layer.attention_output, &layer.gate});
    cost.layers.bytes += one.bytes;
    cost.layers.parameters += one.parameters;
  }
  cost.expert = SumOf({&expert.w1, &expert.w2, &expert.w3});
  cost.head = SumOf({&weights.head});
  return cost;
}

double ModelCost::Bytes(const StepWork& work) const {
  return static_cast<double>(work.steps) * (layers.bytes + head.bytes) +
         static_cast<double>(work.expert_passes) * expert.bytes;
}

double ModelCost::Operations(const StepWork& work, double tokens) const {
  return 2 * (static_cast<double>(work.rows) * layers.parameters +
              static_cast<double>(work.expert_rows) * expert.parameters + tokens * head.parameters);
}

void StepWorkCounter::OnStep(const StepReport& report) {
  assignments_.resize(report.assignments.size());
  ++work_.steps;
  work_.rows += report.rows;
  for (size_t pair = 0; pair < assignments_.size(); ++pair) {
    const uint64_t rows = report.assignments[pair] - assignments_[pair];
    work_.expert_rows += rows;
    work_.expert_passes += rows > 0 ? 1 : 0;
    assignments_[pair] = report.assignments[pair];
  }
}

}  // namespace windrose::bench
