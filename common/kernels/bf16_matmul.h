// Products of rows in bf16 with a matrix of packed bf16. Private to common/kernels; behind MatMul.
//
// Each output has one f32 sum, which begins with zero; inputs are padded with zeros to a multiple
// of 32. What is added to it, in one of two orders (Bf16Order):
//   kPairs   the products of the pairs of inputs, pairs ascending and the odd input of each before
//            the even one, with one fused multiply-add each
//   kBlocks  for each 32 inputs, ascending, one number: the products of its even inputs, ascending,
//            are summed from zero with fused multiply-adds, those of its odd ones likewise, and the
//            two sums are added
// Everything is rounded to nearest even; denormal inputs count as zeros and a denormal result
// becomes zero. The first is what the instruction vdpbf16ps computes, the second what tdpbf16ps
// does (Intel 64 Software Developer's Manual, volume 2), and every instruction set with fused
// multiply-add gives the same bits; a NaN's payload is not promised. No allocation.
#pragma once

#include "common/kernels/bf16_rows.h"
#include "common/kernels/index_range.h"
#include "common/kernels/instruction_set.h"
#include "common/tensor/view.h"

namespace windrose {

// The outputs of some panels, as MatMul; weight.dtype is kPackedBf16. out: [x.rows(), weight.rows].
// `products` changes no bit. Thread-safe.
void MultiplyBf16(const Bf16Rows& x, const WeightView& weight, const Rows& out,
                  const IndexRange& panels, Products products = UsedProducts());

}  // namespace windrose
