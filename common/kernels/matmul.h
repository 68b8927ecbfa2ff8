// MatMul: activations times a weight matrix, the product nearly all time goes into.
//
// Every output is reduced in one order that depends on the number of inputs and the weight's dtype
// alone: lane l of 16 sums the inputs k with k % 16 == l, ascending, with fused multiply-add; then
// the lanes are summed as a fixed tree. So a row gives the same bits alone or among others, on any
// number of threads, and on every instruction set that has fused multiply-add. Thread-safe but for
// `pool`, which has one owner. No allocation.
#pragma once

#include "common/base/thread_pool.h"
#include "common/tensor/view.h"

namespace windrose {

// out[i][o] = sum over k of x[i][k] * weight[o][k].
// x: [n, inputs]; weight: [outputs, inputs]; out: [n, outputs], must not overlap x.
void MatMul(const ConstRows& x, const WeightView& weight, const Rows& out, ThreadPool& pool);

}  // namespace windrose
