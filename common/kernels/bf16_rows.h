// Bf16Rows: activations rounded to bf16, for products with matrices of packed bf16.
//
// To the nearest, ties to even; NaN stays NaN and what is too large becomes infinite, as by
// Bf16FromF32. A row's bits depend on the row alone. Memory is taken once. One owner; the pool is
// used within Round.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/thread_pool.h"
#include "common/tensor/aligned_buffer.h"
#include "common/tensor/bf16_order.h"
#include "common/tensor/packed_layout.h"
#include "common/tensor/view.h"

namespace windrose {

class Bf16Rows {
 public:
  // Kernels take so many rows at a time or fewer, and may read that many from any row on.
  static constexpr size_t kTileRows = 32;

  Bf16Rows(size_t max_rows, size_t max_cols);

  // Takes over `x`, at most max_rows by max_cols, for products in `order`. Inputs up to the next
  // multiple of 32 are zeros.
  void Round(const ConstRows& x, Bf16Order order, ThreadPool& pool);

  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }  // before padding
  Bf16Order order() const { return order_; }
  size_t pair_count() const { return PairCount(cols_); }  // in a row
  size_t stride() const { return Stride(cols_); }         // numbers from row to row

  // [2 * pair_count] bf16 of one row.
  const uint16_t* values(size_t row) const { return values_.data() + row * stride(); }

 private:
  // A cache line more than a row takes: rows whose distance is a power of two would share few sets
  // of the caches.
  static size_t Stride(size_t cols) { return 2 * PairCount(cols) + 32; }

  size_t max_rows_;
  size_t max_cols_;
  size_t rows_ = 0;
  size_t cols_ = 0;
  Bf16Order order_ = Bf16Order::kPairs;
  AlignedBuffer<uint16_t> values_;  // [rows + kTileRows - 1, stride]
};

}  // namespace windrose
