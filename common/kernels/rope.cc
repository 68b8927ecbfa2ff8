#include "common/kernels/rope.h"

#include <cmath>

#include "common/base/check.h"

namespace windrose {

RotaryTable::RotaryTable(size_t head_dim, double theta, size_t position_count)
    : half_(head_dim / 2),
      position_count_(position_count),
      cosines_(position_count * half_),
      sines_(position_count * half_) {
  CHECK(head_dim % 2 == 0 && head_dim > 0);
  for (size_t i = 0; i < half_; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    const float frequency = 1.0F / std::pow(static_cast<float>(theta), exponent);
    for (size_t position = 0; position < position_count; ++position) {
      const float angle = static_cast<float>(position) * frequency;
      cosines_[position * half_ + i] = std::cos(angle);
      sines_[position * half_ + i] = std::sin(angle);
    }
  }
}

void RotaryTable::Rotate(std::span<float> heads, size_t position) const {
  CHECK(position < position_count_);
  const float* cosine = cosines_.data() + position * half_;
  const float* sine = sines_.data() + position * half_;
  for (size_t head = 0; head + 2 * half_ <= heads.size(); head += 2 * half_) {
    float* first = heads.data() + head;
    float* second = first + half_;
    for (size_t i = 0; i < half_; ++i) {
      const float a = first[i];
      const float b = second[i];
      first[i] = a * cosine[i] - b * sine[i];
      second[i] = b * cosine[i] + a * sine[i];
    }
  }
}

}  // namespace windrose
