// QuantizedRows: activations as signed bytes, for products with packed weights.
//
// Each row is cut into groups of 128 inputs, as packed weights are; a group's largest magnitude
// becomes 127. So a row's bytes depend on the row alone, never on its neighbours. Rows are kept in
// tiles, and within a tile group by group, so that what a group of weights is multiplied with lies
// side by side: rows a power of two apart would share a few sets of the nearest cache and push each
// other out. Memory is taken once. One owner; the pool is used within Quantize.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/thread_pool.h"
#include "common/tensor/aligned_buffer.h"
#include "common/tensor/packed_layout.h"
#include "common/tensor/view.h"

namespace windrose {

// The sums that are kept of a group's bytes: for each half of it those of its two blocks, and these
// once more as a pair of 16-bit numbers, the first block's below; behind both halves, of all bytes.
constexpr size_t kPairSum = kGroupBlocks / 2;  // among those of a half
constexpr size_t kHalfSums = kPairSum + 1;
constexpr size_t kWholeSum = 2 * kHalfSums;  // among those of a group
constexpr size_t kGroupSums = kWholeSum + 1;

// Some rows side by side: [groups, rows] of what is said.
struct QuantizedTile {
  const int8_t* values;       // 128 bytes
  const float* scales;        // value = scale * byte
  const int32_t* minus_sums;  // kGroupSums: minus the sums of the bytes
  size_t rows;

  // Without the groups before this one.
  QuantizedTile FromGroup(size_t group) const {
    const size_t at = group * rows;
    return {values + at * kGroupInputs, scales + at, minus_sums + at * kGroupSums, rows};
  }
};

// Where one row goes: its first group's place, and by how many groups of its tile the next is away.
struct QuantizedRowPlace {
  int8_t* values;
  float* scales;
  int32_t* minus_sums;
  size_t stride;
};

class QuantizedRows {
 public:
  static constexpr size_t kTileRows = 64;

  QuantizedRows(size_t max_rows, size_t max_cols);

  // Takes over `x`, at most max_rows by max_cols. Inputs up to the next multiple of 128 are zeros.
  // A group that holds NaN or infinity gets a scale that is not finite, and spoils the results.
  void Quantize(const ConstRows& x, ThreadPool& pool);

  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }  // before padding
  size_t padded_cols() const { return group_count() * kGroupInputs; }
  size_t group_count() const { return GroupCount(cols_); }

  // Rows [index * kTileRows, …), as many as there are.
  QuantizedTile tile(size_t index) const;
  size_t tile_count() const { return (rows_ + kTileRows - 1) / kTileRows; }

 private:
  QuantizedRowPlace PlaceOf(size_t row);

  size_t max_rows_;
  size_t max_cols_;
  size_t rows_ = 0;
  size_t cols_ = 0;
  AlignedBuffer<int8_t> values_;       // tile by tile
  AlignedBuffer<float> scales_;        // likewise
  AlignedBuffer<int32_t> minus_sums_;  // likewise
};

}  // namespace windrose
