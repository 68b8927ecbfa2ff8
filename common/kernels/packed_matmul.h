// Products of quantised rows with a packed matrix. Private to common/kernels; behind MatMul.
//
// A dot, the sum of weight byte * activation byte, is a whole number and exact. An output is a sum
// over the groups of 128 inputs in ascending order, with fused multiply-adds:
//   q4: + (dot of the group * scale) * activation scale
//   q8: + (dot_0 * scale_0 + dot_1 * scale_1) * activation scale, of blocks 0 and 1, then of 2 and
//   3
// and at last times the row's scale. So the bits depend on the row and the weights alone, and every
// instruction set with fused multiply-add gives the same. No allocation.
#pragma once

#include "common/kernels/index_range.h"
#include "common/kernels/instruction_set.h"
#include "common/kernels/quantized_rows.h"
#include "common/tensor/view.h"

namespace windrose {

// The outputs of some panels, as MatMul; weight.dtype is q8 or q4. out: [x.rows(), weight.rows].
// `products` changes no bit. Thread-safe.
void MultiplyPacked(const QuantizedRows& x, const WeightView& weight, const Rows& out,
                    const IndexRange& panels, Products products = UsedProducts());

}  // namespace windrose
