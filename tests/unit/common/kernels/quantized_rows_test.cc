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
  int minus_sum(size_t block) const {
    const size_t at = block / kGroupBlocks * tile.rows + index;
    return tile.minus_sums[at * kGroupBlocks + block % kGroupBlocks];
  }

  QuantizedTile tile;
  size_t index;
};

TEST(QuantizedRows, KeepsEachValueWithinHalfAStep) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(2);
    for (const size_t cols : {1U, 31U, 32U, 33U, 64U, 65U, 100U, 256U}) {
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

TEST(QuantizedRows, SumsTheBytesOfEachBlockAndPadsWithZeros) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(1);
    const std::vector<float> x = RandomValues(70, 2);
    QuantizedRows rows(1, 70);
    rows.Quantize(ConstRows(x.data(), 1, 70), pool);
    ASSERT_EQ(rows.group_count(), 2U);
    ASSERT_EQ(rows.padded_cols(), 128U);
    for (size_t block = 0; block < 4; ++block) {
      int sum = 0;
      for (size_t i = 0; i < kBlockInputs; ++i) {
        sum += RowOf(rows, 0).value(block * kBlockInputs + i);
      }
      EXPECT_EQ(RowOf(rows, 0).minus_sum(block), -sum);
    }
    for (size_t k = 70; k < 128; ++k) EXPECT_EQ(RowOf(rows, 0).value(k), 0);
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
    EXPECT_EQ(RowOf(rows, 0).minus_sum(0), 0);
  });
}

}  // namespace
}  // namespace windrose
