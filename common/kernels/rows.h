// Functions on rows of activations: norms, SwiGLU, sums, exponentials.
//
// Reductions run in the same fixed order as MatMul's, so that a result depends on its own row only.
// An element's bits do not depend on where in a vector it stands. Thread-safe but for `pool`. No
// allocation.
#pragma once

#include <cstddef>
#include <span>

#include "common/base/thread_pool.h"
#include "common/tensor/view.h"

namespace windrose {

// out[i] = weight * (x[i] / sqrt(mean(x[i]^2) + epsilon)), in f32.
// x, out: [n, size], may be the same; weight: [1, size].
void RmsNorm(const ConstRows& x, const WeightView& weight, float epsilon, const Rows& out,
             ThreadPool& pool);

// gate[i] = silu(gate[i]) * up[i] with silu(v) = v / (1 + exp(-v)). Equal sizes.
void SwiGlu(std::span<float> gate, std::span<const float> up);

// sum[i] += value[i]. Equal sizes.
void AddTo(std::span<float> sum, std::span<const float> value);

// sum[i] = fma(scale, value[i], sum[i]). Equal sizes.
void AddScaledTo(std::span<float> sum, float scale, std::span<const float> value);

// values[i] = exp(values[i] - shift). Minus infinity gives 0, NaN itself; differences above 88 are
// taken as 88.
void ExpOfDifference(std::span<float> values, float shift);

// Probabilities of one row of scores, in place. A row of minus infinities becomes uniform.
void Softmax(std::span<float> values);

// The sum, in the fixed order.
float Sum(std::span<const float> values);

// The dot product of equally long rows, in the fixed order.
float Dot(std::span<const float> a, std::span<const float> b);

}  // namespace windrose
