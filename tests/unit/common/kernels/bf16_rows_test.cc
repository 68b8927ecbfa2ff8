#include "common/kernels/bf16_rows.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <vector>

#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Ties both ways, what becomes infinite, NaN of both kinds whose payload rounding would carry away,
// denormals; and random bits.
std::vector<float> HardValues(size_t count) {
  std::vector<float> values = {0.0F,
                               -0.0F,
                               1.00390625F,
                               1.01171875F,
                               -1.00390625F,
                               kInfinity,
                               -kInfinity,
                               0x1.FEp127F,
                               0x1.FFp127F,
                               -0x1.FFFp127F,
                               0x1p-126F,
                               0x1.8p-130F,
                               0x1p-149F,
                               std::nanf(""),
                               std::bit_cast<float>(0x7F800001U),
                               std::bit_cast<float>(0xFFFFFFFFU)};
  for (uint64_t i = values.size(); i < count; ++i) {
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(UniformAt(7, i) * 0x1p32)));
  }
  values.resize(count);
  return values;
}

TEST(Bf16Rows, RoundsAsTheReferenceDoes) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(2);
    for (const size_t cols : {1U, 15U, 16U, 31U, 32U, 33U, 100U, 256U}) {
      constexpr size_t kRows = 19;
      const std::vector<float> x = HardValues(kRows * cols);
      Bf16Rows rows(kRows, cols);
      rows.Round(ConstRows(x.data(), kRows, cols), Bf16Order::kPairs, pool);
      for (size_t row = 0; row < kRows; ++row) {
        for (size_t k = 0; k < cols; ++k) {
          ASSERT_EQ(rows.values(row)[k], Bf16FromF32(x[row * cols + k]))
              << cols << " " << row << " " << k << " " << x[row * cols + k];
        }
      }
    }
  });
}

TEST(Bf16Rows, PadsWithZerosWhateverStoodThere) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(1);
    const std::vector<float> ones(3 * 100, 1.0F);
    Bf16Rows rows(3, 100);
    rows.Round(ConstRows(ones.data(), 3, 100), Bf16Order::kPairs, pool);
    rows.Round(ConstRows(ones.data(), 2, 70), Bf16Order::kPairs, pool);
    EXPECT_EQ(rows.rows(), 2U);
    EXPECT_EQ(rows.pair_count(), 48U);
    for (size_t row = 0; row < 2; ++row) {
      for (size_t k = 70; k < 96; ++k) EXPECT_EQ(rows.values(row)[k], 0) << k;
    }
  });
}

}  // namespace
}  // namespace windrose
