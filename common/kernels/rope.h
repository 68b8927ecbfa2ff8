// RotaryTable: rotary position embedding as Hugging Face's Mixtral computes it.
//
// The first half of a head is rotated against the second (not even against odd). Inverse
// frequencies, angles and the rotation are f32. Immutable after construction: thread-safe.
#pragma once

#include <cstddef>
#include <span>

#include "common/tensor/aligned_buffer.h"

namespace windrose {

class RotaryTable {
 public:
  // `head_dim` is even. Holds head_dim floats for each of `position_count` positions.
  RotaryTable(size_t head_dim, double theta, size_t position_count);

  size_t position_count() const { return position_count_; }

  // Rotates each head of `heads` in place. heads: [head_count, head_dim], one row's queries or
  // keys.
  void Rotate(std::span<float> heads, size_t position) const;

 private:
  size_t half_;
  size_t position_count_;
  AlignedBuffer<float> cosines_;  // [position_count, half]
  AlignedBuffer<float> sines_;    // [position_count, half]
};

}  // namespace windrose
