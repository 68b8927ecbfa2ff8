// Random packed matrices for the kernel tests. Test code only.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "common/kernels/pack.h"
#include "common/tensor/packed_matrix.h"
#include "tests/unit/common/kernels/random_values.h"

namespace windrose {

struct RandomPackedWeight {
  RandomPackedWeight(size_t rows, size_t cols, DType dtype, uint64_t seed)
      : RandomPackedWeight(RandomValues(rows * cols, seed), cols, dtype) {}

  // Of the given numbers.
  RandomPackedWeight(std::vector<float> numbers, size_t cols, DType dtype)
      : values(std::move(numbers)),
        bytes(PackedMatrixBytes(dtype, values.size() / cols, cols) + 1),
        view{dtype, bytes.data() + 1, values.size() / cols, cols} {
    const size_t rows = view.rows;
    const size_t panel_bytes = PackedPanelBytes(dtype, cols);
    for (size_t first = 0; first < rows; first += kPanelOutputs) {
      const size_t some = std::min(kPanelOutputs, rows - first);
      PackPanel(dtype, ConstRows(values.data() + first * cols, some, cols),
                std::span(bytes).subspan(1 + first / kPanelOutputs * panel_bytes, panel_bytes));
    }
  }
  RandomPackedWeight(const RandomPackedWeight&) = delete;
  RandomPackedWeight& operator=(const RandomPackedWeight&) = delete;

  std::vector<float> values;     // what was packed, [rows, cols]
  std::vector<std::byte> bytes;  // at an odd address
  WeightView view;
};

}  // namespace windrose
