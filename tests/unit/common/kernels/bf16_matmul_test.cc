#include "common/kernels/bf16_matmul.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/common/kernels/packed_weight.h"
#include "tests/unit/common/kernels/products.h"

namespace windrose {
namespace {

// The last is longer than the pieces that several tiles of rows are multiplied in.
constexpr ProductShape kShapes[] = {{1, 1, 1},     {1, 7, 3},    {2, 32, 16},  {3, 65, 17},
                                    {5, 256, 31},  {7, 96, 2},   {13, 513, 8}, {50, 40, 11},
                                    {1, 4096, 73}, {6, 512, 70}, {17, 128, 1}, {9, 64, 100},
                                    {25, 8999, 33}};

float Flushed(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0F, value) : value;
}

// sum + a * b as the instruction has it.
float AddProduct(float a, float b, float sum) {
  return Flushed(std::fma(Flushed(a), Flushed(b), Flushed(sum)));
}

// One output as bf16_matmul.h defines it, one number at a time. x, w: one row each, before padding.
float DotInPromisedOrder(const float* x, const std::vector<float>& w) {
  const auto at = [&](const float* from, size_t k) { return k < w.size() ? from[k] : 0.0F; };
  float sum = 0;
  for (size_t k = 0; k < 2 * PairCount(w.size()); k += 2) {
    for (const size_t element : {k + 1, k}) {
      const float rounded = F32FromBf16(Bf16FromF32(at(x, element)));
      sum = AddProduct(rounded, at(w.data(), element), sum);
    }
  }
  return sum;
}

void ExpectSameNumber(float got, float wanted, const std::string& where) {
  if (std::isnan(wanted)) {
    ASSERT_TRUE(std::isnan(got)) << where << " got " << got;
  } else {
    ASSERT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(wanted))
        << where << " got " << got << " wanted " << wanted;
  }
}

void ExpectPromisedOrder(const std::vector<float>& x, const WeightView& weight) {
  const std::vector<float> out = Multiply(x, weight, 1);
  std::vector<float> w(weight.cols);
  for (size_t o = 0; o < weight.rows; ++o) {
    ReadPackedRow(weight, o, w);
    for (size_t row = 0; row < x.size() / weight.cols; ++row) {
      ExpectSameNumber(out[row * weight.rows + o], DotInPromisedOrder(&x[row * weight.cols], w),
                       "inputs " + std::to_string(weight.cols) + " row " + std::to_string(row) +
                           " output " + std::to_string(o));
    }
  }
}

// Every instruction set is compared with the same plain code, bit for bit; products of these
// numbers are exact, so that the portable fallback, which is not fused, agrees as well.
TEST(Bf16MatMul, ReducesInThePromisedOrder) {
  OnEachInstructionSet([](const std::string&) {
    for (const ProductShape& shape : kShapes) {
      const std::vector<float> x = RandomValues(shape.rows * shape.inputs, 3);
      const RandomPackedWeight weight(shape.outputs, shape.inputs, DType::kPackedBf16, 4);
      ASSERT_NO_FATAL_FAILURE(ExpectPromisedOrder(x, weight.view));
    }
  });
}

// A number with random bits of bf16, its exponent between `lowest` and `highest`.
float RandomBf16(uint64_t seed, uint64_t index, uint32_t lowest, uint32_t highest) {
  const auto random = static_cast<uint32_t>(UniformAt(seed, index) * 0x1p32);
  const uint32_t exponent = lowest + (random >> 8) % (highest - lowest + 1);
  return F32FromBf16(static_cast<uint16_t>((random & 0x807FU) | exponent << 7));
}

struct Exponents {
  uint32_t lowest;
  uint32_t highest;
};

// Sums that cancel, products that are denormal, overflow or are no numbers.
TEST(Bf16MatMul, KeepsThePromiseAtTheEdgesOfTheNumbers) {
  constexpr ProductShape kShape{5, 70, 35};
  constexpr Exponents kRanges[] = {{0, 255}, {50, 70}, {0, 5}, {60, 66}, {186, 200}, {120, 130}};
  OnEachInstructionSet([&](const std::string& set) {
    if (!IsFused(set)) return;
    for (const Exponents& range : kRanges) {
      std::vector<float> x(kShape.rows * kShape.inputs);
      std::vector<float> w(kShape.outputs * kShape.inputs);
      for (size_t i = 0; i < x.size(); ++i) x[i] = RandomBf16(1, i, range.lowest, range.highest);
      for (size_t i = 0; i < w.size(); ++i) w[i] = RandomBf16(2, i, range.lowest, range.highest);
      const RandomPackedWeight weight(w, kShape.inputs, DType::kPackedBf16);
      ASSERT_NO_FATAL_FAILURE(ExpectPromisedOrder(x, weight.view)) << range.lowest;
    }
  });
}

TEST(Bf16MatMul, RowGivesTheSameBitsAloneAndInAnyCompanyOnAnyThreads) {
  OnEachInstructionSet([](const std::string&) {
    const RandomPackedWeight weight(61, 1031, DType::kPackedBf16, 5);
    ASSERT_NO_FATAL_FAILURE(ExpectSameBitsInAnyCompany(weight.view, 40));
  });
}

TEST(Bf16MatMul, LetsNanAndInfinityThroughAndKeepsThemInTheirRow) {
  OnEachInstructionSet([](const std::string&) {
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 3.4e38F}) {
      const RandomPackedWeight weight(3, 70, DType::kPackedBf16, 9);
      std::vector<float> x = RandomValues(140, 10);
      x[69] = bad;
      const std::vector<float> out = Multiply(x, weight.view, 1);
      for (size_t o = 0; o < 3; ++o) {
        EXPECT_FALSE(std::isfinite(out[o]));
        EXPECT_TRUE(std::isfinite(out[3 + o]));
      }
    }
  });
}

TEST(Bf16MatMul, LeavesDenormalsToEverybodyElse) {
  OnEachInstructionSet([](const std::string&) {
    const RandomPackedWeight weight(3, 70, DType::kPackedBf16, 9);
    Multiply(RandomValues(70, 10), weight.view, 1);
    const volatile float smallest = std::numeric_limits<float>::denorm_min();
    EXPECT_GT(smallest * 2.0F, 0.0F);
  });
}

TEST(Bf16MatMul, HasNothingToDoForNoRows) {
  const RandomPackedWeight weight(4, 8, DType::kPackedBf16, 7);
  EXPECT_TRUE(Multiply({}, weight.view, 2).empty());
}

}  // namespace
}  // namespace windrose
