#include "common/kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/common/kernels/products.h"

namespace windrose {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kF16, DType::kBf16};

constexpr ProductShape kShapes[] = {
    {1, 1, 1},    {1, 7, 3},    {2, 16, 5},   {3, 17, 4},   {4, 33, 9},   {5, 256, 31}, {7, 15, 2},
    {13, 513, 8}, {50, 40, 11}, {1, 4096, 6}, {6, 4096, 7}, {9, 1025, 1}, {100, 3, 17}};

// Against double precision. The classical bound: each of the sums of n products is off by at most
// n roundings of the sum of magnitudes.
TEST(MatMul, MatchesDoublePrecisionOverOddShapes) {
  OnEachInstructionSet([](const std::string&) {
    for (const ProductShape& shape : kShapes) {
      for (const DType dtype : kTypes) {
        const std::vector<float> x = RandomValues(shape.rows * shape.inputs, 1);
        const RandomWeight weight(shape.outputs, shape.inputs, dtype, 2);
        const std::vector<float> out = Multiply(x, weight.view, 2);
        for (size_t o = 0; o < shape.outputs; ++o) {
          const std::vector<float> w = weight.Row(o);
          for (size_t row = 0; row < shape.rows; ++row) {
            double exact = 0;
            double magnitude = 0;
            for (size_t k = 0; k < shape.inputs; ++k) {
              const double product = double{x[row * shape.inputs + k]} * double{w[k]};
              exact += product;
              magnitude += std::fabs(product);
            }
            const double bound = static_cast<double>(shape.inputs / 16 + 8) *
                                 std::numeric_limits<float>::epsilon() * magnitude;
            ASSERT_NEAR(out[row * shape.outputs + o], exact, bound)
                << shape.rows << "x" << shape.inputs << "x" << shape.outputs << " "
                << NameOf(dtype);
          }
        }
      }
    }
  });
}

// Every set with fused multiply-add is compared with the same plain code, so that they agree with
// each other bit for bit even where a test machine has only one of them.
TEST(MatMul, ReducesInThePromisedOrder) {
  OnEachInstructionSet([](const std::string& set) {
    for (const ProductShape& shape : kShapes) {
      for (const DType dtype : kTypes) {
        const std::vector<float> x = RandomValues(shape.rows * shape.inputs, 3);
        const RandomWeight weight(shape.outputs, shape.inputs, dtype, 4);
        const std::vector<float> out = Multiply(x, weight.view, 1);
        for (size_t row = 0; row < shape.rows; ++row) {
          const auto begin = x.begin() + static_cast<ptrdiff_t>(row * shape.inputs);
          const std::vector<float> x_row(begin, begin + static_cast<ptrdiff_t>(shape.inputs));
          for (size_t o = 0; o < shape.outputs; ++o) {
            ASSERT_EQ(out[row * shape.outputs + o],
                      DotInPromisedOrder(x_row, weight.Row(o), IsFused(set)))
                << shape.rows << "x" << shape.inputs << "x" << shape.outputs << " " << NameOf(dtype)
                << " row " << row << " output " << o;
          }
        }
      }
    }
  });
}

TEST(MatMul, RowGivesTheSameBitsAloneAndInAnyCompanyOnAnyThreads) {
  OnEachInstructionSet([](const std::string&) {
    for (const DType dtype : kTypes) {
      const RandomWeight weight(61, 1031, dtype, 5);
      ASSERT_NO_FATAL_FAILURE(ExpectSameBitsInAnyCompany(weight.view, 33));
    }
  });
}

TEST(MatMul, HasNothingToDoForNoRowsAndNoOutputs) {
  const RandomWeight weight(4, 8, DType::kBf16, 7);
  EXPECT_TRUE(Multiply({}, weight.view, 2).empty());
  const WeightView none{DType::kF32, nullptr, 0, 8};
  EXPECT_TRUE(Multiply(RandomValues(16, 8), none, 2).empty());
}

// What is prepared for one format takes no memory for the other.
TEST(MatMulInput, PreparesRowsOnlyForFormatsThatItIsAssignedFor) {
  const std::vector<float> x = RandomValues(16, 8);
  const ConstRows rows(x, 8);
  ThreadPool pool(1);
  MatMulInput input(4, 8);
  for (const DType plain : kTypes) input.Assign(rows, plain, pool);
  EXPECT_EQ(input.quantized(), nullptr);
  EXPECT_EQ(input.bf16(), nullptr);
  input.Assign(rows, DType::kQ4, pool);
  EXPECT_EQ(input.bf16(), nullptr);
  const QuantizedRows* const first = input.quantized();
  ASSERT_NE(first, nullptr);
  input.Assign(rows, DType::kPackedBf16, pool);
  EXPECT_EQ(input.bf16()->rows(), 2U);
  input.Assign(rows, DType::kQ8, pool);
  EXPECT_EQ(input.quantized(), first);
}

TEST(MatMul, LetsNanAndInfinityThrough) {
  OnEachInstructionSet([](const std::string&) {
    const RandomWeight weight(3, 20, DType::kBf16, 9);
    std::vector<float> x = RandomValues(40, 10);
    x[19] = std::nanf("");
    const std::vector<float> out = Multiply(x, weight.view, 1);
    for (size_t o = 0; o < 3; ++o) {
      EXPECT_TRUE(std::isnan(out[o]));
      EXPECT_TRUE(std::isfinite(out[3 + o]));
    }
  });
}

}  // namespace
}  // namespace windrose
