// Combine: brings the experts' outputs home. Thread-safe (pure function).
#pragma once

#include "common/tensor/view.h"
#include "coordinator/values/batch.h"

namespace windrose {

// hidden[row] += sum over rank of weights[row, rank] * outputs[row * top_k + rank], in rank order,
// whatever order the outputs came in. hidden: [rows, hidden].
void Combine(const GateOutput& gate, const ExpertOutputs& outputs, const Rows& hidden);

}  // namespace windrose
