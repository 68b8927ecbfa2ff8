// Packing: f32 weights to q8, q4 and packed bf16, sixteen outputs at a time.
//
// In q4, step, zero point and rounding of each block are chosen by the squared error they leave; in
// q8 the scale just holds a block's largest weight; bf16 is rounded to the nearest and exact where
// the weights were bf16 before. What a panel becomes is a pure function of its weights, the same by
// every instruction set. Thread-safe. No allocation.
#pragma once

#include <cstddef>
#include <span>

#include "common/tensor/dtype.h"
#include "common/tensor/packed_layout.h"
#include "common/tensor/view.h"

namespace windrose {

// Packs one panel. rows: [1 to 16, inputs], the panel's outputs, finite; those missing are zeros.
// panel: PackedPanelBytes(dtype, inputs). `dtype` is a packed one.
void PackPanel(DType dtype, const ConstRows& rows, std::span<std::byte> panel);

}  // namespace windrose
