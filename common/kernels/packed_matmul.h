// Products of quantised rows with a packed matrix. Private to common/kernels; behind MatMul.
//
// Of a block of 32 inputs,
//   dot = sum of weight byte * activation byte  -  zero * sum of activation bytes
// is a whole number of eighths and exact. An output is the sum, over the groups of two blocks in
// ascending order, of (dot_0 * scale_0 + dot_1 * scale_1) * activation scale, with a fused
// multiply-add for each sum. So the bits depend on the row and the weights alone, and every
// instruction set with fused multiply-add gives the same. No allocation.
#pragma once

#include "common/base/thread_pool.h"
#include "common/kernels/instruction_set.h"
#include "common/kernels/quantized_rows.h"
#include "common/tensor/view.h"

namespace windrose {

// As MatMul; weight.dtype is packed. out: [x.rows(), weight.rows]. `products` changes no bit.
void MultiplyPacked(const QuantizedRows& x, const WeightView& weight, const Rows& out,
                    ThreadPool& pool, ByteProducts products = UsedByteProducts());

}  // namespace windrose
