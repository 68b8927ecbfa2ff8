// Products of quantised rows with a packed matrix. Private to common/kernels; behind MatMul.
//
// An output is the sum, over the blocks of 32 inputs in ascending order, of
//   (sum of weight byte * activation byte  -  zero * sum of activation bytes) * (scale * scale'),
// added with one fused multiply-add each; the bracket is a whole number of sixteenths and exact. So
// the bits depend on the row and the weights alone, and every instruction set with fused
// multiply-add gives the same. No allocation.
#pragma once

#include "common/base/thread_pool.h"
#include "common/kernels/quantized_rows.h"
#include "common/tensor/view.h"

namespace windrose {

// As MatMul; weight.dtype is packed. out: [x.rows(), weight.rows].
void MultiplyPacked(const QuantizedRows& x, const WeightView& weight, const Rows& out,
                    ThreadPool& pool);

}  // namespace windrose
