// LmHead: the last norm and the scores of all tokens, for the rows that want them. Engine thread
// only.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/thread_pool.h"
#include "common/model/checkpoint.h"
#include "coordinator/layers/activations.h"
#include "coordinator/values/batch.h"

namespace windrose {

class LmHead {
 public:
  // `weights` and `pool` must outlive this.
  LmHead(const MixtralConfig& config, const CoordinatorWeights& weights, ThreadPool& pool)
      : config_(config), weights_(weights), pool_(pool) {}

  // [logit_rows.size(), vocabulary], in act.logits until the next step. Overwrites act.normed and
  // act.projected.
  const Logits& Run(std::span<const uint32_t> logit_rows, Activations& act) const;

 private:
  const MixtralConfig config_;
  const CoordinatorWeights& weights_;
  ThreadPool& pool_;
};

}  // namespace windrose
