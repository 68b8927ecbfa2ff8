#include "common/kernels/bf16_matmul.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/common/kernels/flush_denormal.h"
#include "tests/unit/common/kernels/packed_weight.h"
#include "tests/unit/common/kernels/products.h"

namespace windrose {
namespace {

// The last is longer than the pieces that several tiles of rows are multiplied in.
constexpr ProductShape kShapes[] = {{1, 1, 1},     {1, 7, 3},    {2, 32, 16},  {3, 65, 17},
                                    {5, 256, 31},  {7, 96, 2},   {13, 513, 8}, {50, 40, 11},
                                    {1, 4096, 73}, {6, 512, 70}, {17, 128, 1}, {9, 64, 100},
                                    {25, 8999, 33}};

// sum + a * b as the instructions have it.
float AddProduct(float a, float b, float sum) {
  return FlushDenormal(std::fma(FlushDenormal(a), FlushDenormal(b), FlushDenormal(sum)));
}

float Add(float a, float b) { return FlushDenormal(FlushDenormal(a) + FlushDenormal(b)); }

// One row of each, filled up with zeros to whole blocks.
struct Operands {
  std::vector<float> x;  // rounded
  std::vector<float> w;
};

Operands Padded(const float* x, const std::vector<float>& w) {
  const size_t size = 2 * PairCount(w.size());
  Operands operands{std::vector<float>(size), w};
  operands.w.resize(size);
  for (size_t k = 0; k < w.size(); ++k) operands.x[k] = F32FromBf16(Bf16FromF32(x[k]));
  return operands;
}

// One output as bf16_matmul.h defines it, one number at a time.
float DotInPairs(const Operands& operands) {
  float sum = 0;
  for (size_t k = 0; k < operands.x.size(); k += 2) {
    for (const size_t element : {k + 1, k}) {
      sum = AddProduct(operands.x[element], operands.w[element], sum);
    }
  }
  return sum;
}

float DotInBlocks(const Operands& operands) {
  float sum = 0;
  for (size_t block = 0; block < operands.x.size(); block += kBlockInputs) {
    float parts[2] = {};  // of even inputs, of odd ones
    for (size_t k = block; k < block + kBlockInputs; ++k) {
      parts[k % 2] = AddProduct(operands.x[k], operands.w[k], parts[k % 2]);
    }
    sum = Add(sum, Add(parts[0], parts[1]));
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
  std::vector<float> w(weight.cols);
  for (const Bf16Order order : {Bf16Order::kPairs, Bf16Order::kBlocks}) {
    const std::vector<float> out = Multiply(x, weight, 1, order);
    for (size_t o = 0; o < weight.rows; ++o) {
      ReadPackedRow(weight, o, w);
      for (size_t row = 0; row < x.size() / weight.cols; ++row) {
        const Operands operands = Padded(&x[row * weight.cols], w);
        ExpectSameNumber(out[row * weight.rows + o],
                         order == Bf16Order::kPairs ? DotInPairs(operands) : DotInBlocks(operands),
                         std::string(NameOf(order)) + ", inputs " + std::to_string(weight.cols) +
                             " row " + std::to_string(row) + " output " + std::to_string(o));
      }
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
    ASSERT_NO_FATAL_FAILURE(ExpectSameBitsInAnyCompany(weight.view, 40, Bf16Order::kBlocks));
  });
}

void ExpectBadNumberStaysInItsRow(float bad, Bf16Order order) {
  const RandomPackedWeight weight(3, 70, DType::kPackedBf16, 9);
  std::vector<float> x = RandomValues(140, 10);
  x[69] = bad;
  const std::vector<float> out = Multiply(x, weight.view, 1, order);
  for (size_t o = 0; o < 3; ++o) {
    EXPECT_FALSE(std::isfinite(out[o]));
    EXPECT_TRUE(std::isfinite(out[3 + o]));
  }
}

TEST(Bf16MatMul, LetsNanAndInfinityThroughAndKeepsThemInTheirRow) {
  OnEachInstructionSet([](const std::string&) {
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 3.4e38F}) {
      ExpectBadNumberStaysInItsRow(bad, Bf16Order::kPairs);
      ExpectBadNumberStaysInItsRow(bad, Bf16Order::kBlocks);
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
