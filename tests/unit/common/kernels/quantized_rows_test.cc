#include "common/kernels/quantized_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

// One row's place in the tiles.
struct RowOf {
  RowOf(const QuantizedRows& rows, size_t row)
      : tile(rows.tile(row / QuantizedRows::kTileRows)), index(row % QuantizedRows::kTileRows) {}

  int value(size_t k) const {
    return tile.values[(k / kGroupInputs * tile.rows + index) * kGroupInputs + k % kGroupInputs];
  }
  float scale(size_t group) const { return tile.scales[group * tile.rows + index]; }
  // Of a block, or of the whole group.
  int minus_sum(size_t group, size_t sum) const {
    return tile.minus_sums[(group * tile.rows + index) * kGroupSums + sum];
  }

  QuantizedTile tile;
  size_t index;
};

TEST(QuantizedRows, KeepsEachValueWithinHalfAStep) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(2);
    for (const size_t cols : {1U, 31U, 32U, 33U, 128U, 129U, 200U, 512U}) {
      constexpr size_t kRows = QuantizedRows::kTileRows + 9;
      const std::vector<float> x = RandomValues(kRows * cols, cols);
      QuantizedRows rows(kRows, cols);
      rows.Quantize(ConstRows(x.data(), kRows, cols), pool);
      for (size_t row = 0; row < kRows; ++row) {
        for (size_t k = 0; k < cols; ++k) {
          const float scale = RowOf(rows, row).scale(k / kGroupInputs);
          const float read = scale * static_cast<float>(RowOf(rows, row).value(k));
          ASSERT_NEAR(read, x[row * cols + k], scale * 0.5001F) << cols << " " << row << " " << k;
        }
      }
    }
  });
}

TEST(QuantizedRows, SumsTheBytesOfEachBlockAndGroupAndPadsWithZeros) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(1);
    const std::vector<float> x = RandomValues(170, 2);
    QuantizedRows rows(1, 170);
    rows.Quantize(ConstRows(x.data(), 1, 170), pool);
    ASSERT_EQ(rows.group_count(), 2U);
    ASSERT_EQ(rows.padded_cols(), 256U);
    const RowOf row(rows, 0);
    const auto sum_of = [&](size_t first, size_t count) {
      int sum = 0;
      for (size_t k = first; k < first + count; ++k) sum += row.value(k);
      return sum;
    };
    for (size_t half = 0; half < 4; ++half) {
      const size_t sums = half % 2 * kHalfSums;
      const int first = sum_of(2 * half * kBlockInputs, kBlockInputs);
      const int second = sum_of((2 * half + 1) * kBlockInputs, kBlockInputs);
      EXPECT_EQ(row.minus_sum(half / 2, sums), -first);
      EXPECT_EQ(row.minus_sum(half / 2, sums + 1), -second);
      EXPECT_EQ(row.minus_sum(half / 2, sums + kPairSum), (-second) * 65536 + (-first & 0xFFFF));
    }
    for (size_t group = 0; group < 2; ++group) {
      EXPECT_EQ(row.minus_sum(group, kWholeSum), -sum_of(group * kGroupInputs, kGroupInputs));
    }
    for (size_t k = 170; k < 256; ++k) EXPECT_EQ(row.value(k), 0);
  });
}

TEST(QuantizedRows, MapsTheLargestMagnitudeTo127) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(1);
    std::vector<float> x(32, 0.25F);
    x[5] = -2.0F;
    QuantizedRows rows(1, 32);
    rows.Quantize(ConstRows(x.data(), 1, 32), pool);
    EXPECT_EQ(RowOf(rows, 0).value(5), -127);
    EXPECT_EQ(RowOf(rows, 0).value(0), 16);  // 15.875, rounded
    EXPECT_EQ(RowOf(rows, 0).scale(0), 2.0F / 127.0F);
  });
}

TEST(QuantizedRows, TakesZerosAndTheSmallestNumbersAsZero) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(1);
    const std::vector<float> x(64, std::numeric_limits<float>::denorm_min());
    QuantizedRows rows(1, 64);
    rows.Quantize(ConstRows(x.data(), 1, 64), pool);
    EXPECT_EQ(RowOf(rows, 0).scale(0), 0.0F);
    EXPECT_EQ(RowOf(rows, 0).value(0), 0);
    EXPECT_EQ(RowOf(rows, 0).minus_sum(0, 0), 0);
  });
}

}  // namespace
}  // namespace windrose
