#include "cli/synth/random_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace windrose::cli {
namespace {

const TensorSpec kMatrix{"m", {256, 64}, false};

std::vector<float> Fill(const TensorSpec& tensor, uint64_t seed, uint32_t index, uint64_t first,
                        size_t count) {
  std::vector<float> values(count);
  FillWeights(tensor, seed, index, first, values);
  return values;
}

TEST(RandomWeights, NormsAreOnes) {
  const TensorSpec norm{"n", {64}, false};
  EXPECT_EQ(Fill(norm, 1, 0, 0, 64), std::vector<float>(64, 1.0F));
}

TEST(RandomWeights, DoNotDependOnTheSteps) {
  const std::vector<float> whole = Fill(kMatrix, 7, 3, 0, 1000);
  const std::vector<float> part = Fill(kMatrix, 7, 3, 400, 600);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 400));
}

TEST(RandomWeights, DifferBySeedAndTensor) {
  EXPECT_NE(Fill(kMatrix, 7, 3, 0, 8), Fill(kMatrix, 8, 3, 0, 8));
  EXPECT_NE(Fill(kMatrix, 7, 3, 0, 8), Fill(kMatrix, 7, 4, 0, 8));
}

TEST(RandomWeights, HaveTheVarianceThatKeepsARowsSize) {
  const std::vector<float> values = Fill(kMatrix, 7, 3, 0, 256 * 64);
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += value;
    squares += double{value} * value;
  }
  const double count = static_cast<double>(values.size());
  // Standard errors: 1/8 / sqrt(16384) = 0.001 for the mean, 0.00011 for the variance.
  EXPECT_NEAR(sum / count, 0, 0.005);
  EXPECT_NEAR(squares / count, 1.0 / 64, 0.0006);
}

}  // namespace
}  // namespace windrose::cli
