// Random weights that behave: activations neither vanish nor explode. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "common/model/tensor_names.h"

namespace windrose::cli {

// Writes the values of `tensor` from index `first` on. Norms are ones; a matrix is uniform with
// variance 1 / inputs, a function of (seed, tensor_index, index) alone. `first` is a multiple of 4.
void FillWeights(const TensorSpec& tensor, uint64_t seed, uint32_t tensor_index, uint64_t first,
                 std::span<float> values);

}  // namespace windrose::cli
