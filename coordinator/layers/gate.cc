#include "coordinator/layers/gate.h"

#include <algorithm>
#include <array>

#include "common/kernels/matmul.h"
#include "common/kernels/rows.h"
#include "common/kernels/top_k.h"

namespace windrose {

void Gate::Run(LayerIndex layer, Activations& act, GateOutput* output) const {
  const LayerWeights& weights = weights_.layers[layer.value()];
  RmsNorm(act.hidden, weights.post_attention_norm, config_.norm_epsilon, act.normed, pool_);
  MatMul(act.normed, weights.gate, act.scores, pool_);
  output->top_k = config_.top_k;
  output->experts.resize(act.row_count() * config_.top_k);
  output->weights.resize(act.row_count() * config_.top_k);
  std::array<uint32_t, kMaxGateExperts> storage;
  const std::span<uint32_t> chosen(storage.data(), config_.top_k);
  for (size_t row = 0; row < act.row_count(); ++row) {
    const size_t first = row * config_.top_k;
    TopKGate(act.scores.row(row), chosen,
             std::span<float>(output->weights).subspan(first, config_.top_k));
    std::transform(chosen.begin(), chosen.end(),
                   output->experts.begin() + static_cast<ptrdiff_t>(first),
                   [](uint32_t id) { return ExpertId{id}; });
  }
}

}  // namespace windrose
