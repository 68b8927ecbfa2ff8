#include "tests/golden/parity_recorder.h"

#include <algorithm>

namespace windrose {

void ParityRecorder::OnGate(const Batch& batch, LayerIndex layer, const GateOutput& gate) {
  most_rows_ = std::max(most_rows_, batch.row_count());
  most_sequences_ = std::max(most_sequences_, batch.spans.size());
  for (const BatchSpan& span : batch.spans) {
    RecordedSequence& recorded = sequences_[span.sequence];
    for (uint32_t row = span.first_row; row < span.first_row + span.row_count; ++row) {
      const auto first = static_cast<ptrdiff_t>(row * gate.top_k);
      const auto end = first + static_cast<ptrdiff_t>(gate.top_k);
      if (layer == LayerIndex(0) && recorded.choices.contains({batch.positions[row], layer})) {
        ++repeated_rows_;
      }
      RecordedChoice& choice = recorded.choices[{batch.positions[row], layer}];
      choice.experts.assign(gate.experts.begin() + first, gate.experts.begin() + end);
      choice.weights.assign(gate.weights.begin() + first, gate.weights.begin() + end);
    }
  }
}

void ParityRecorder::OnLogits(const Batch& batch, const Logits& logits) {
  for (const BatchSpan& span : batch.spans) {
    RecordedSequence& recorded = sequences_[span.sequence];
    for (size_t index = 0; index < batch.logit_rows.size(); ++index) {
      const uint32_t row = batch.logit_rows[index];
      if (row < span.first_row || row >= span.first_row + span.row_count) continue;
      const auto values = logits.row(index);
      recorded.logits[batch.positions[row]].assign(values.begin(), values.end());
    }
  }
}

}  // namespace windrose
