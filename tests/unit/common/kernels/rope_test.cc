#include "common/kernels/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

TEST(RotaryTable, RotatesTheFirstHalfAgainstTheSecond) {
  constexpr size_t kDim = 8;
  const RotaryTable table(kDim, 1e4, 64);
  for (const size_t position : {0U, 1U, 17U, 63U}) {
    const std::vector<float> before = RandomValues(3 * kDim, 1);
    std::vector<float> heads = before;
    table.Rotate(heads, position);
    for (size_t head = 0; head < 3; ++head) {
      for (size_t i = 0; i < kDim / 2; ++i) {
        const double angle =
            static_cast<double>(position) / std::pow(1e4, 2.0 * static_cast<double>(i) / kDim);
        const double a = before[head * kDim + i];
        const double b = before[head * kDim + kDim / 2 + i];
        EXPECT_NEAR(heads[head * kDim + i], a * std::cos(angle) - b * std::sin(angle), 1e-5);
        EXPECT_NEAR(heads[head * kDim + kDim / 2 + i], b * std::cos(angle) + a * std::sin(angle),
                    1e-5);
      }
    }
  }
}

TEST(RotaryTable, PositionZeroChangesNothing) {
  const RotaryTable table(10, 1e6, 1);
  std::vector<float> heads = RandomValues(20, 2);
  const std::vector<float> before = heads;
  table.Rotate(heads, 0);
  EXPECT_EQ(heads, before);
}

TEST(RotaryTable, ScoresDependOnTheDistanceOnly) {
  constexpr size_t kDim = 32;
  const RotaryTable table(kDim, 1e4, 4096);
  const std::vector<float> query = RandomValues(kDim, 3);
  const std::vector<float> key = RandomValues(kDim, 4);
  const auto score = [&](size_t at_query, size_t at_key) {
    std::vector<float> q = query;
    std::vector<float> k = key;
    table.Rotate(q, at_query);
    table.Rotate(k, at_key);
    double sum = 0;
    for (size_t i = 0; i < kDim; ++i) sum += double{q[i]} * k[i];
    return sum;
  };
  EXPECT_NEAR(score(10, 3), score(4000, 3993), 2e-3);
}

}  // namespace
}  // namespace windrose
