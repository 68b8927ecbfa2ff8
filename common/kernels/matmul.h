// MatMul: activations times a weight matrix, the product nearly all time goes into.
//
// Every output is reduced in one order that depends on the number of inputs and the weight's dtype
// alone. Plain dtypes: lane l of 16 sums the inputs k with k % 16 == l, ascending, with fused
// multiply-add; then the lanes are summed as a fixed tree. q8 and q4: as in packed_matmul.h, with
// the rows quantised to bytes. Packed bf16: as in bf16_matmul.h, with the rows rounded to bf16. So
// a row gives the same bits alone or among others, on any number of threads, and on every
// instruction set that has fused multiply-add. Thread-safe but for `pool`, which has one owner. No
// allocation.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "common/base/thread_pool.h"
#include "common/kernels/bf16_rows.h"
#include "common/kernels/quantized_rows.h"
#include "common/tensor/view.h"

namespace windrose {

// Rows that several matrices are multiplied with: as they are for plain weights; quantised or
// rounded, once, for packed ones. Each of the two takes memory for the most rows once, when it is
// first wanted: most models want but one of them. One owner.
class MatMulInput {
 public:
  MatMulInput(size_t max_rows, size_t max_cols) : max_rows_(max_rows), max_cols_(max_cols) {}

  // The order of products with packed bf16 from the next Assign on; kPairs at first.
  void set_bf16_order(Bf16Order order) { order_ = order; }

  // From now on stands for `x`, which is not copied. `weights`: the dtype of the matrices to come.
  void Assign(const ConstRows& x, DType weights, ThreadPool& pool);

  const ConstRows& rows() const { return rows_; }
  // Null before a first Assign for their weights.
  const QuantizedRows* quantized() const { return quantized_ ? &*quantized_ : nullptr; }
  const Bf16Rows* bf16() const { return bf16_ ? &*bf16_ : nullptr; }

 private:
  const size_t max_rows_;
  const size_t max_cols_;
  Bf16Order order_ = Bf16Order::kPairs;
  ConstRows rows_;
  std::optional<QuantizedRows> quantized_;  // for q8 and q4
  std::optional<Bf16Rows> bf16_;            // for packed bf16
};

// out[i][o] = sum over k of x[i][k] * weight[o][k].
// x: [n, inputs]; weight: [outputs, inputs]; out: [n, outputs], must not overlap x. A packed weight
// wants an input that was assigned for its dtype; q8 and q4 are the same here.
void MatMul(const MatMulInput& x, const WeightView& weight, const Rows& out, ThreadPool& pool);

// The same for a plain weight.
void MatMul(const ConstRows& x, const WeightView& weight, const Rows& out, ThreadPool& pool);

// The first two matrices of a feed-forward network: [outputs, inputs] each, of one dtype.
struct GatedWeights {
  const WeightView& gate;
  const WeightView& up;
};

// out[i][o] = silu(x gate^T)[i][o] * (x up^T)[i][o]: SwiGLU (Shazeer, "GLU Variants Improve
// Transformer", 2020) in one pass, with the bits of MatMul, MatMul and SwiGlu. x, out: as MatMul's;
// room: as many numbers as out, for what the second matrix gives.
void MatMulSwiGlu(const MatMulInput& x, const GatedWeights& weights, const Rows& out,
                  std::span<float> room, ThreadPool& pool);

}  // namespace windrose
