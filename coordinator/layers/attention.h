// Attention: the first half of each layer, act.hidden += attention(norm(act.hidden)).
//
// Grouped queries, rotary positions, keys and values in the paged cache. A row's result depends on
// its sequence's tokens up to it only: not on the other rows of the batch, not on how its prompt
// was cut into chunks, not on threads. Engine thread only.
#pragma once

#include "common/base/ids.h"
#include "common/base/thread_pool.h"
#include "common/kernels/attention.h"
#include "common/kernels/rope.h"
#include "common/model/checkpoint.h"
#include "coordinator/layers/activations.h"
#include "coordinator/layers/kv_cache.h"
#include "coordinator/values/batch.h"

namespace windrose {

class Attention {
 public:
  // `weights` and `pool` must outlive this. `max_positions` bounds the positions of any batch, at
  // most config.positions.
  Attention(const MixtralConfig& config, const CoordinatorWeights& weights, size_t max_positions,
            ThreadPool& pool);

  // Writes the batch's keys and values of `layer` to `kv`, then attends to all positions so far.
  void Run(LayerIndex layer, const Batch& batch, KvCache& kv, Activations& act) const;

 private:
  struct Tile;  // consecutive rows of one span that share the reading of blocks

  void Project(const LayerWeights& weights, const Batch& batch, Activations& act) const;
  void Store(LayerIndex layer, const Batch& batch, KvCache& kv, const Activations& act) const;
  void StoreRow(LayerIndex layer, const BatchSpan& span, uint32_t index, KvCache& kv,
                const Activations& act) const;
  size_t Products(const Batch& batch) const;
  void Attend(LayerIndex layer, const Batch& batch, KvCache& kv, Activations& act) const;
  void AttendTile(LayerIndex layer, const Tile& tile, KvCache& kv, Activations& act) const;
  AttentionState StateOf(size_t row, size_t kv_head, Activations& act) const;

  const MixtralConfig config_;
  const CoordinatorWeights& weights_;
  ThreadPool& pool_;
  RotaryTable rotary_;
  AttentionGroup group_;
};

}  // namespace windrose
