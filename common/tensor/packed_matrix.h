// Reading packed matrices weight by weight: the plain way, for tests and for tables that are read a
// row at a time. The kernels read whole panels. Pure functions; thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/tensor/packed_layout.h"
#include "common/tensor/view.h"

namespace windrose {

// 2^(code / 16 - 15) * (1 + code % 16 / 16), code / 16 rounded down: 2^-15 to 1.9375.
float ScaleOfCode(uint8_t code);

// One block of one output of q8 or q4, as numbers: weight i is scale * byte[i].
struct PackedBlock {
  float scale = 0;  // without row_scale
  std::array<int8_t, kBlockInputs> byte{};
};

// Reads block `block` of output `row`; the slow, plain way. `weight` is q8 or q4.
PackedBlock ReadPackedBlock(const WeightView& weight, size_t row, size_t block);
float ReadRowScale(const WeightView& weight, size_t row);

// Output `row` as f32; out: [weight.cols].
void ReadPackedRow(const WeightView& weight, size_t row, std::span<float> out);

}  // namespace windrose
