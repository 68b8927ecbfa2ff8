// QuantizedRows: activations as signed bytes, for products with packed weights.
//
// Each row is cut into blocks of 32 inputs; a block's largest magnitude becomes 127. So a row's
// bytes depend on the row alone, never on its neighbours. Memory is taken once. One owner; the pool
// is used within Quantize.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/thread_pool.h"
#include "common/tensor/aligned_buffer.h"
#include "common/tensor/packed_layout.h"
#include "common/tensor/view.h"

namespace windrose {

class QuantizedRows {
 public:
  QuantizedRows(size_t max_rows, size_t max_cols);

  // Takes over `x`, at most max_rows by max_cols. Inputs up to the next multiple of 64 are zeros. A
  // block that holds NaN or infinity gets a scale that is not finite, and spoils the results.
  void Quantize(const ConstRows& x, ThreadPool& pool);

  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }  // before padding
  size_t padded_cols() const { return GroupCount(cols_) * kGroupInputs; }
  size_t block_count() const { return GroupCount(cols_) * kGroupBlocks; }

  // [padded_cols] bytes of one row, then per block: value = scale * byte, and the sum of the bytes.
  const int8_t* values(size_t row) const { return values_.data() + row * padded_cols(); }
  const float* scales(size_t row) const { return scales_.data() + row * block_count(); }
  const float* sums(size_t row) const { return sums_.data() + row * block_count(); }

 private:
  size_t max_rows_;
  size_t max_cols_;
  size_t rows_ = 0;
  size_t cols_ = 0;
  AlignedBuffer<int8_t> values_;  // [rows, padded_cols]
  AlignedBuffer<float> scales_;   // [rows, blocks]
  AlignedBuffer<float> sums_;     // [rows, blocks]
};

}  // namespace windrose
