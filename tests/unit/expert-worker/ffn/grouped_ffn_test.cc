#include "expert-worker/ffn/grouped_ffn.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include "common/base/random.h"
#include "common/tensor/convert.h"

namespace windrose {
namespace {

constexpr size_t kHidden = 19;
constexpr size_t kWidth = 37;

// Numbers in [-1, 1), the same for the same seed.
std::vector<float> Numbers(uint64_t seed, size_t count) {
  std::vector<float> numbers(count);
  for (size_t index = 0; index < count; ++index) {
    numbers[index] = static_cast<float>(2.0 * UniformAt(seed, index) - 1.0);
  }
  return numbers;
}

// The matrices of one expert, in `dtype`, and what keeps them alive.
struct StoredExpert {
  explicit StoredExpert(uint64_t seed, DType dtype_in) : dtype(dtype_in) {
    for (int which = 0; which < 3; ++which) {
      bytes[which].resize(kHidden * kWidth * SizeOf(dtype));
      WriteWeights(Numbers(seed + static_cast<uint64_t>(which), kHidden * kWidth), dtype,
                   bytes[which].data());
    }
  }
  ExpertMatrices matrices() const {
    return {.w1 = {dtype, bytes[0].data(), kWidth, kHidden},
            .w2 = {dtype, bytes[1].data(), kHidden, kWidth},
            .w3 = {dtype, bytes[2].data(), kWidth, kHidden}};
  }
  DType dtype;
  std::vector<std::byte> bytes[3];
};

MixtralConfig Shape() {
  MixtralConfig config;
  config.hidden = kHidden;
  config.expert_width = kWidth;
  config.layers = 1;
  config.experts = 8;
  return config;
}

ExpertWeights WeightsOf(const StoredExpert& stored, ExpertId expert) {
  return ExpertWeights({{{LayerIndex(0), expert}, stored.matrices()}}, nullptr);
}

double Product(const WeightView& weight, size_t output, const std::vector<double>& x) {
  std::vector<float> row(weight.cols);
  ReadWeightRow(weight, output, row);
  double sum = 0;
  for (size_t input = 0; input < weight.cols; ++input) sum += double{row[input]} * x[input];
  return sum;
}

// The definition, in double precision, one row.
std::vector<double> Reference(const ExpertMatrices& expert, std::span<const float> row) {
  const std::vector<double> x(row.begin(), row.end());
  std::vector<double> inner(kWidth);
  for (size_t index = 0; index < kWidth; ++index) {
    const double gate = Product(expert.w1, index, x);
    inner[index] = gate / (1.0 + std::exp(-gate)) * Product(expert.w3, index, x);
  }
  std::vector<double> result(kHidden);
  for (size_t index = 0; index < kHidden; ++index) result[index] = Product(expert.w2, index, inner);
  return result;
}

class GroupedFfnTypes : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(All, GroupedFfnTypes,
                         ::testing::Values(DType::kF32, DType::kF16, DType::kBf16));

TEST_P(GroupedFfnTypes, ComputesTheDefinition) {
  const StoredExpert stored(11, GetParam());
  ThreadPool pool(1);
  GroupedFfn ffn(Shape(), WeightsOf(stored, ExpertId(3)), 4, pool);
  const std::vector<float> input = Numbers(77, 6 * kHidden);
  std::vector<float> output(input.size());
  ffn.Run(LayerIndex(0), ExpertId(3), input, output);
  for (size_t row = 0; row < 6; ++row) {
    const std::vector<double> wanted =
        Reference(stored.matrices(), std::span(input).subspan(row * kHidden, kHidden));
    for (size_t column = 0; column < kHidden; ++column) {
      // Sums of at most 37 products of a few units each, in f32.
      EXPECT_NEAR(output[row * kHidden + column], wanted[column], 2e-4) << row << ' ' << column;
    }
  }
}

TEST_P(GroupedFfnTypes, RowHasTheSameBitsAloneAndAmongOthers) {
  const StoredExpert stored(5, GetParam());
  const std::vector<float> input = Numbers(9, 13 * kHidden);
  std::vector<float> together(input.size());
  {
    ThreadPool pool(2);
    GroupedFfn ffn(Shape(), WeightsOf(stored, ExpertId(0)), 13, pool);
    ffn.Run(LayerIndex(0), ExpertId(0), input, together);
  }
  ThreadPool pool(1);
  for (const size_t tile : {size_t{1}, size_t{2}, size_t{5}, size_t{100}}) {
    GroupedFfn ffn(Shape(), WeightsOf(stored, ExpertId(0)), tile, pool);
    std::vector<float> alone(kHidden);
    for (size_t row = 0; row < 13; ++row) {
      ffn.Run(LayerIndex(0), ExpertId(0), std::span(input).subspan(row * kHidden, kHidden), alone);
      for (size_t column = 0; column < kHidden; ++column) {
        ASSERT_EQ(std::bit_cast<uint32_t>(alone[column]),
                  std::bit_cast<uint32_t>(together[row * kHidden + column]));
      }
    }
    std::vector<float> tiled(input.size());
    ffn.Run(LayerIndex(0), ExpertId(0), input, tiled);
    EXPECT_EQ(tiled, together);
  }
}

TEST(GroupedFfn, NoRowsAreNoWork) {
  const StoredExpert stored(1, DType::kF32);
  ThreadPool pool(1);
  GroupedFfn ffn(Shape(), WeightsOf(stored, ExpertId(0)), 4, pool);
  ffn.Run(LayerIndex(0), ExpertId(0), {}, {});
}

TEST(GroupedFfn, KnowsWhichExpertsItHolds) {
  const StoredExpert stored(1, DType::kF32);
  ThreadPool pool(1);
  const GroupedFfn ffn(Shape(), WeightsOf(stored, ExpertId(6)), 4, pool);
  EXPECT_TRUE(ffn.Holds(ExpertId(6)));
  EXPECT_FALSE(ffn.Holds(ExpertId(5)));
  EXPECT_FALSE(ffn.Holds(ExpertId(0xFFFF)));
}

}  // namespace
}  // namespace windrose
