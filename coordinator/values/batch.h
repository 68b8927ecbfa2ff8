// The rows of one step, and what the gate chose for them. Values; engine thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/ids.h"

namespace windrose {

// A run of consecutive positions of one sequence inside a batch: a chunk of prefill, or one decode
// row.
struct BatchSpan {
  SequenceId sequence;
  uint32_t first_row = 0;
  uint32_t row_count = 0;
  uint32_t first_position = 0;   // of first_row in the sequence
  std::vector<BlockId> blocks;   // KV blocks of positions [0, first_position + row_count)
  uint32_t first_logit_row = 0;  // logits wanted for rows [first_logit_row, first_row + row_count)
};

// One forward pass. Rows are grouped by span, positions ascending inside a span.
struct Batch {
  std::vector<TokenId> tokens;      // [rows]
  std::vector<uint32_t> positions;  // [rows]
  std::vector<BatchSpan> spans;
  std::vector<uint32_t> logit_rows;  // ascending; rows whose logits are wanted

  size_t row_count() const { return tokens.size(); }
};

// The gate's choice. Experts of a row are in order of falling probability; ties: lower id first.
struct GateOutput {
  size_t top_k = 0;
  std::vector<ExpertId> experts;  // [rows, top_k]
  std::vector<float> weights;     // [rows, top_k], each row sums to 1
  size_t row_count() const { return top_k == 0 ? 0 : experts.size() / top_k; }
};

// A pair is a (row, rank) of a GateOutput: pair = row * top_k + rank.
struct PlanSegment {
  ExpertId expert;
  std::vector<uint32_t> pairs;  // ascending
};

// What one worker computes.
struct WorkerShare {
  WorkerId worker;
  std::vector<PlanSegment> segments;  // by expert, ascending
};

// Who computes what, for one layer of one step. A value: no I/O, nothing remembered between two
// plans.
struct DispatchPlan {
  uint64_t epoch = 0;                 // of the placement it was made from
  size_t top_k = 0;                   // experts per row
  std::vector<WorkerShare> shares;    // by worker, ascending
  std::vector<PlanSegment> unplaced;  // wanted, but no worker holds their expert now
};

// The experts' outputs, unweighted, one row per pair.
struct ExpertOutputs {
  size_t hidden = 0;
  std::vector<float> rows;  // [pairs, hidden]
  std::span<const float> row(size_t pair) const {
    return std::span<const float>(rows).subspan(pair * hidden, hidden);
  }
};

// [rows, vocabulary] f32, one row per entry of Batch::logit_rows.
struct Logits {
  size_t vocabulary = 0;
  std::vector<float> values;
  std::span<const float> row(size_t index) const {
    return std::span<const float>(values).subspan(index * vocabulary, vocabulary);
  }
};

}  // namespace windrose
