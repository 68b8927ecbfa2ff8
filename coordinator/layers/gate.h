// Gate: the second half of a layer begins here; chooses the experts of each row. Engine thread
// only.
#pragma once

#include "common/base/ids.h"
#include "common/base/thread_pool.h"
#include "common/model/checkpoint.h"
#include "coordinator/layers/activations.h"
#include "coordinator/values/batch.h"

namespace windrose {

class Gate {
 public:
  // `weights` and `pool` must outlive this.
  Gate(const MixtralConfig& config, const CoordinatorWeights& weights, ThreadPool& pool)
      : config_(config), weights_(weights), pool_(pool) {}

  // act.normed = norm(act.hidden), which the experts get; `output` = the top experts of each row.
  // Reuses output's memory.
  void Run(LayerIndex layer, Activations& act, GateOutput* output) const;

 private:
  const MixtralConfig config_;
  const CoordinatorWeights& weights_;
  ThreadPool& pool_;
};

}  // namespace windrose
