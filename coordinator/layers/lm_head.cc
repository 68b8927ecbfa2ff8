#include "coordinator/layers/lm_head.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/kernels/matmul.h"
#include "common/kernels/rows.h"

namespace windrose {

const Logits& LmHead::Run(std::span<const uint32_t> logit_rows, Activations& act) const {
  CHECK(logit_rows.size() <= act.max_rows());
  act.logits.vocabulary = config_.vocabulary;
  act.logits.values.resize(logit_rows.size() * config_.vocabulary);
  for (size_t i = 0; i < logit_rows.size(); ++i) {
    CHECK(logit_rows[i] < act.row_count());
    const std::span<const float> row = act.hidden.row(logit_rows[i]);
    std::copy(row.begin(), row.end(), act.projected.row(i).begin());
  }
  const Rows wanted(act.projected.data, logit_rows.size(), config_.hidden);
  const Rows normed(act.normed.data, logit_rows.size(), config_.hidden);
  RmsNorm(wanted, weights_.final_norm, config_.norm_epsilon, normed, pool_);
  act.input.Assign(normed, weights_.head.dtype, pool_);
  MatMul(act.input, weights_.head, Rows(act.logits.values, config_.vocabulary), pool_);
  return act.logits;
}

}  // namespace windrose
