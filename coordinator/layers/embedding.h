// Embedding: token ids to rows of the residual stream. Engine thread only.
#pragma once

#include "common/tensor/view.h"
#include "coordinator/layers/activations.h"
#include "coordinator/values/batch.h"

namespace windrose {

class Embedding {
 public:
  // table: [vocabulary, hidden]; must outlive this.
  explicit Embedding(const WeightView& table) : table_(table) {}

  // Begins the step: act.hidden = the batch's tokens' rows. Ids are below the vocabulary's size.
  void Lookup(const Batch& batch, Activations& act) const;

 private:
  WeightView table_;
};

}  // namespace windrose
