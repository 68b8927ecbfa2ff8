#include "common/kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/kernels/rows.h"
#include "tests/unit/common/kernels/packed_weight.h"
#include "tests/unit/common/kernels/products.h"

namespace windrose {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kF16, DType::kBf16};

constexpr ProductShape kShapes[] = {
    {1, 1, 1},    {1, 7, 3},    {2, 16, 5},   {3, 17, 4},   {4, 33, 9},   {5, 256, 31}, {7, 15, 2},
    {13, 513, 8}, {50, 40, 11}, {1, 4096, 6}, {6, 4096, 7}, {9, 1025, 1}, {100, 3, 17}};

// Row `row` of x: [n, inputs].
std::vector<float> RowOf(const std::vector<float>& x, size_t row, size_t inputs) {
  const auto begin = x.begin() + static_cast<ptrdiff_t>(row * inputs);
  return {begin, begin + static_cast<ptrdiff_t>(inputs)};
}

// Against double precision. The classical bound: each of the sums of n products is off by at most
// n roundings of the sum of magnitudes.
void ExpectNearDouble(float got, const std::vector<float>& x, const std::vector<float>& w) {
  double exact = 0;
  double magnitude = 0;
  for (size_t k = 0; k < x.size(); ++k) {
    const double product = double{x[k]} * double{w[k]};
    exact += product;
    magnitude += std::fabs(product);
  }
  const size_t roundings = x.size() / 16 + 8;
  EXPECT_NEAR(
      got, exact,
      static_cast<double>(roundings) * double{std::numeric_limits<float>::epsilon()} * magnitude);
}

// Calls expect(output, row, weights of the output) for each output of a random product of the
// shape.
template <class Expect>
void ForEachOutput(const ProductShape& shape, DType dtype, const Expect& expect) {
  SCOPED_TRACE(testing::Message() << shape.rows << "x" << shape.inputs << "x" << shape.outputs
                                  << " " << NameOf(dtype));
  const std::vector<float> x = RandomValues(shape.rows * shape.inputs, 1);
  const RandomWeight weight(shape.outputs, shape.inputs, dtype, 2);
  const std::vector<float> out = Multiply(x, weight.view, 2);
  for (size_t o = 0; o < shape.outputs; ++o) {
    const std::vector<float> w = weight.Row(o);
    for (size_t row = 0; row < shape.rows; ++row) {
      expect(out[row * shape.outputs + o], RowOf(x, row, shape.inputs), w);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(MatMul, MatchesDoublePrecisionOverOddShapes) {
  OnEachInstructionSet([](const std::string&) {
    for (const ProductShape& shape : kShapes) {
      for (const DType dtype : kTypes) ForEachOutput(shape, dtype, ExpectNearDouble);
    }
  });
}

// Every set with fused multiply-add is compared with the same plain code, so that they agree with
// each other bit for bit even where a test machine has only one of them.
TEST(MatMul, ReducesInThePromisedOrder) {
  OnEachInstructionSet([](const std::string& set) {
    const auto expect = [&](float got, const std::vector<float>& x, const std::vector<float>& w) {
      EXPECT_EQ(got, DotInPromisedOrder(x, w, IsFused(set)));
    };
    for (const ProductShape& shape : kShapes) {
      for (const DType dtype : kTypes) ForEachOutput(shape, dtype, expect);
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

template <class Weight>
void ExpectGatedAsInThreeSteps(const Weight& gate, const Weight& up, size_t rows) {
  const WeightView& shape = gate.view;
  const std::vector<float> x = RandomValues(rows * shape.cols, rows);
  std::vector<float> expected = Multiply(x, gate.view, 1);
  SwiGlu(expected, Multiply(x, up.view, 1));
  for (const size_t threads : {1U, 3U}) {
    ThreadPool pool(threads);
    MatMulInput input(rows, shape.cols);
    input.Assign(ConstRows(x.data(), rows, shape.cols), shape.dtype, pool);
    std::vector<float> out(expected.size(), std::nanf(""));
    std::vector<float> room = out;
    MatMulSwiGlu(input, {gate.view, up.view}, Rows(out.data(), rows, shape.rows), room, pool);
    ASSERT_EQ(out, expected) << rows << " rows, " << shape.rows << " outputs, " << threads
                             << " threads, " << NameOf(shape.dtype);
  }
}

// 130 rows of 500 outputs are more than stay in a cache, and so several pieces.
TEST(MatMulSwiGlu, HasTheBitsOfItsThreeSteps) {
  OnEachInstructionSet([](const std::string&) {
    for (const size_t outputs : {1U, 15U, 33U, 500U}) {
      for (const size_t rows : {0U, 1U, 2U, 9U, 130U}) {
        for (const DType dtype : {DType::kQ4, DType::kQ8, DType::kPackedBf16}) {
          const RandomPackedWeight gate(outputs, 130, dtype, 1);
          const RandomPackedWeight up(outputs, 130, dtype, 2);
          ASSERT_NO_FATAL_FAILURE(ExpectGatedAsInThreeSteps(gate, up, rows));
        }
        const RandomWeight gate(outputs, 130, DType::kBf16, 1);
        const RandomWeight up(outputs, 130, DType::kBf16, 2);
        ASSERT_NO_FATAL_FAILURE(ExpectGatedAsInThreeSteps(gate, up, rows));
      }
    }
  });
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
