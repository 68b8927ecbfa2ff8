#include "coordinator/layers/embedding.h"

#include "common/base/check.h"
#include "common/tensor/convert.h"

namespace windrose {

void Embedding::Lookup(const Batch& batch, Activations& act) const {
  act.Begin(batch.row_count());
  for (size_t row = 0; row < batch.row_count(); ++row) {
    const TokenId token = batch.tokens[row];
    CHECK(token.value() < table_.rows);
    ReadWeightRow(table_, token.value(), act.hidden.row(row));
  }
}

}  // namespace windrose
