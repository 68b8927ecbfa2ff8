// Views of matrices that somebody else owns: weights in a mapped file, rows of activations.
//
// Row-major, rows without gaps. A view is a value; it must not outlive what it views.
#pragma once

#include <cstddef>
#include <span>

#include "common/base/check.h"
#include "common/tensor/dtype.h"
#include "common/tensor/packed_layout.h"

namespace windrose {

// [rows, cols] numbers of `dtype`. A linear layer stores one output per row: rows are outputs, cols
// are inputs. `data` may have any alignment, as tensors in a file do. Only plain formats have rows
// of bytes.
struct WeightView {
  DType dtype = DType::kF32;
  const std::byte* data = nullptr;
  size_t rows = 0;
  size_t cols = 0;

  size_t row_bytes() const { return cols * SizeOf(dtype); }
  size_t bytes() const {
    return IsPacked(dtype) ? PackedMatrixBytes(dtype, rows, cols) : rows * row_bytes();
  }
  const std::byte* row(size_t index) const { return data + index * row_bytes(); }
};

// [rows, cols] f32 to read.
struct ConstRows {
  const float* data = nullptr;
  size_t rows = 0;
  size_t cols = 0;

  ConstRows() = default;
  ConstRows(const float* data_in, size_t rows_in, size_t cols_in)
      : data(data_in), rows(rows_in), cols(cols_in) {}
  // A span of exactly rows x cols numbers.
  ConstRows(std::span<const float> values, size_t cols_in)
      : data(values.data()), rows(cols_in == 0 ? 0 : values.size() / cols_in), cols(cols_in) {
    DCHECK(rows * cols == values.size());
  }
  std::span<const float> row(size_t index) const { return {data + index * cols, cols}; }
};

// [rows, cols] f32 to write.
struct Rows {
  float* data = nullptr;
  size_t rows = 0;
  size_t cols = 0;

  Rows() = default;
  Rows(float* data_in, size_t rows_in, size_t cols_in)
      : data(data_in), rows(rows_in), cols(cols_in) {}
  Rows(std::span<float> values, size_t cols_in)
      : data(values.data()), rows(cols_in == 0 ? 0 : values.size() / cols_in), cols(cols_in) {
    DCHECK(rows * cols == values.size());
  }
  std::span<float> row(size_t index) const { return {data + index * cols, cols}; }
  std::span<float> all() const { return {data, rows * cols}; }
  // NOLINTNEXTLINE(google-explicit-constructor): rows that may be written may be read.
  operator ConstRows() const { return {data, rows, cols}; }
};

}  // namespace windrose
