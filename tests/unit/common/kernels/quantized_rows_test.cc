#include "common/kernels/quantized_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

TEST(QuantizedRows, KeepsEachValueWithinHalfAStep) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(2);
    for (const size_t cols : {1U, 31U, 32U, 33U, 100U, 256U}) {
      constexpr size_t kRows = 9;
      const std::vector<float> x = RandomValues(kRows * cols, cols);
      QuantizedRows rows(kRows, cols);
      rows.Quantize(ConstRows(x.data(), kRows, cols), pool);
      for (size_t row = 0; row < kRows; ++row) {
        for (size_t k = 0; k < cols; ++k) {
          const float scale = rows.scales(row)[k / kBlockInputs];
          const float read = scale * static_cast<float>(rows.values(row)[k]);
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
    ASSERT_EQ(rows.block_count(), 4U);
    ASSERT_EQ(rows.padded_cols(), 128U);
    for (size_t block = 0; block < 4; ++block) {
      int sum = 0;
      for (size_t i = 0; i < kBlockInputs; ++i) sum += rows.values(0)[block * kBlockInputs + i];
      EXPECT_EQ(rows.sums(0)[block], static_cast<float>(sum));
    }
    for (size_t k = 70; k < 128; ++k) EXPECT_EQ(rows.values(0)[k], 0);
  });
}

TEST(QuantizedRows, MapsTheLargestMagnitudeTo127) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(1);
    std::vector<float> x(32, 0.25F);
    x[5] = -2.0F;
    QuantizedRows rows(1, 32);
    rows.Quantize(ConstRows(x.data(), 1, 32), pool);
    EXPECT_EQ(rows.values(0)[5], -127);
    EXPECT_EQ(rows.values(0)[0], 16);  // 15.875, rounded
    EXPECT_EQ(rows.scales(0)[0], 2.0F / 127.0F);
  });
}

TEST(QuantizedRows, TakesZerosAndTheSmallestNumbersAsZero) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(1);
    const std::vector<float> x(64, std::numeric_limits<float>::denorm_min());
    QuantizedRows rows(1, 64);
    rows.Quantize(ConstRows(x.data(), 1, 64), pool);
    EXPECT_EQ(rows.scales(0)[0], 0.0F);
    EXPECT_EQ(rows.values(0)[0], 0);
    EXPECT_EQ(rows.sums(0)[0], 0.0F);
  });
}

}  // namespace
}  // namespace windrose
