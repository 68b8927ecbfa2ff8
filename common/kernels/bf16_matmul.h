// Products of rows in bf16 with a matrix of packed bf16. Private to common/kernels; behind MatMul.
//
// Each output has one f32 sum, which begins with zero. To it the products of the pairs of inputs
// are added, pairs ascending and the odd input of each before the even one, every product with one
// fused multiply-add that is rounded to nearest even; denormal inputs count as zeros and a denormal
// sum becomes zero. Inputs are padded with zeros to a multiple of 32. That is what the instruction
// vdpbf16ps computes, and every instruction set with fused multiply-add gives the same bits; a
// NaN's payload is not promised. No allocation.
#pragma once

#include "common/base/thread_pool.h"
#include "common/kernels/bf16_rows.h"
#include "common/tensor/view.h"

namespace windrose {

// As MatMul; weight.dtype is kPackedBf16. out: [x.rows(), weight.rows].
void MultiplyBf16(const Bf16Rows& x, const WeightView& weight, const Rows& out, ThreadPool& pool);

}  // namespace windrose
