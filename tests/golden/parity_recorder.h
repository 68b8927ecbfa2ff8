// ParityRecorder: keeps what the steps computed, by sequence and position, in the shape of the
// golden runs. Engine thread only.
#pragma once

#include <map>
#include <vector>

#include "common/base/ids.h"
#include "common/model/config.h"
#include "coordinator/engine/step.h"

namespace windrose {

// One row of one layer's gate.
struct RecordedChoice {
  std::vector<ExpertId> experts;  // [top_k]
  std::vector<float> weights;     // [top_k]
};

struct RecordedSequence {
  std::map<uint32_t, std::vector<float>> logits;  // by position: [vocabulary]
  // By position and layer.
  std::map<std::pair<uint32_t, LayerIndex>, RecordedChoice> choices;
};

class ParityRecorder final : public StepProbe {
 public:
  void OnGate(const Batch& batch, LayerIndex layer, const GateOutput& gate) override;
  void OnLogits(const Batch& batch, const Logits& logits) override;

  // Empty when nothing was recorded.
  const RecordedSequence& sequence(SequenceId id) { return sequences_[id]; }
  // Rows of the largest step, and sequences in the fullest one.
  size_t most_rows() const { return most_rows_; }
  size_t most_sequences() const { return most_sequences_; }
  // Rows that were computed again, after a preemption.
  size_t repeated_rows() const { return repeated_rows_; }

 private:
  std::map<SequenceId, RecordedSequence> sequences_;
  size_t most_rows_ = 0;
  size_t most_sequences_ = 0;
  size_t repeated_rows_ = 0;
};

}  // namespace windrose
