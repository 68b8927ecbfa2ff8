#include "coordinator/layers/combine.h"

#include "common/base/check.h"
#include "common/kernels/rows.h"

namespace windrose {

void Combine(const GateOutput& gate, const ExpertOutputs& outputs, const Rows& hidden) {
  CHECK(gate.row_count() == hidden.rows && outputs.hidden == hidden.cols);
  CHECK(outputs.rows.size() == gate.experts.size() * hidden.cols);
  for (size_t pair = 0; pair < gate.experts.size(); ++pair) {
    AddScaledTo(hidden.row(pair / gate.top_k), gate.weights[pair], outputs.row(pair));
  }
}

}  // namespace windrose
