// Activations: the buffers one step works in.
//
// Allocated once for the largest step; a step's rows are the first `row_count` rows of each. Engine
// thread only.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/kernels/matmul.h"
#include "common/model/config.h"
#include "common/tensor/aligned_buffer.h"
#include "common/tensor/view.h"
#include "coordinator/values/batch.h"

namespace windrose {

class Activations {
 public:
  // `order`: of products with packed bf16.
  Activations(const MixtralConfig& config, size_t max_rows, Bf16Order order = Bf16Order::kPairs);
  Activations(const Activations&) = delete;
  Activations& operator=(const Activations&) = delete;

  size_t max_rows() const { return max_rows_; }
  size_t row_count() const { return row_count_; }

  // Begins a step of `row_count` rows; at most max_rows().
  void Begin(size_t row_count);

  // Views of this step's rows.
  Rows hidden;     // [rows, hidden] the residual stream
  Rows normed;     // [rows, hidden] norm of hidden; what the experts get
  Rows queries;    // [rows, heads * head_dim]
  Rows keys;       // [rows, kv_heads * head_dim]
  Rows values;     // [rows, kv_heads * head_dim]
  Rows attended;   // [rows, heads * head_dim]
  Rows projected;  // [rows, hidden]
  Rows scores;     // [rows, experts] of the gate
  Rows largest;    // [rows, heads] running softmax of the attention
  Rows sums;       // [rows, heads] likewise

  // Rows on their way into a matrix product; whoever multiplies assigns it first.
  MatMulInput input;

  // What LmHead computed. Grows to the most rows wanted so far.
  Logits logits;

 private:
  struct Buffer {
    AlignedBuffer<float> storage;
    size_t cols = 0;
    Rows* view = nullptr;
  };
  void Add(Rows& view, size_t cols);

  size_t max_rows_;
  size_t row_count_ = 0;
  std::vector<Buffer> buffers_;
};

}  // namespace windrose
