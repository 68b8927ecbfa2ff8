#include "common/kernels/packed_matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/common/kernels/packed_weight.h"
#include "tests/unit/common/kernels/products.h"

namespace windrose {
namespace {

constexpr DType kTypes[] = {DType::kQ8, DType::kQ4};

// The last has more activations than pass over the panels at once.
constexpr ProductShape kShapes[] = {{1, 1, 1},      {1, 7, 3},    {2, 32, 16},  {3, 65, 17},
                                    {5, 256, 31},   {7, 160, 2},  {13, 513, 8}, {50, 40, 11},
                                    {1, 4096, 33},  {6, 512, 70}, {17, 128, 1}, {100, 64, 17},
                                    {130, 4096, 37}};

// What block `block` of one row and one output sum to, in integers.
int32_t BlockDot(const QuantizedTile& x, size_t at, const PackedBlock& weights, size_t block) {
  int32_t dot = 0;
  for (size_t i = 0; i < kBlockInputs; ++i) {
    dot += int32_t{weights.byte[i]} * x.values[at * kGroupInputs + block * kBlockInputs + i];
  }
  return dot;
}

// One output as packed_matmul.h defines it, one number at a time.
float DotInPromisedOrder(const QuantizedRows& x, size_t row, const WeightView& weight, size_t o,
                         bool fused) {
  const QuantizedTile tile = x.tile(row / QuantizedRows::kTileRows);
  const auto add = [fused](float a, float b, float sum) {
    return fused ? std::fma(a, b, sum) : a * b + sum;
  };
  const bool one_scale = weight.dtype == DType::kQ4;
  const size_t blocks_a_step = one_scale ? kGroupBlocks : kGroupBlocks / 2;
  float sum = 0;
  for (size_t first = 0; first < x.group_count() * kGroupBlocks; first += blocks_a_step) {
    const size_t at = first / kGroupBlocks * tile.rows + row % QuantizedRows::kTileRows;
    float step = 0;
    int32_t whole = 0;
    for (size_t b = first; b < first + blocks_a_step; ++b) {
      const PackedBlock weights = ReadPackedBlock(weight, o, b);
      const int32_t dot = BlockDot(tile, at, weights, b % kGroupBlocks);
      whole += dot;
      const auto exact = static_cast<float>(one_scale ? whole : dot);
      step = b == first || one_scale ? exact * weights.scale : add(exact, weights.scale, step);
    }
    sum = add(step, tile.scales[at], sum);
  }
  return sum * ReadRowScale(weight, o);
}

void ExpectThePromisedOrder(const ProductShape& shape, DType dtype, bool fused) {
  const std::vector<float> x = RandomValues(shape.rows * shape.inputs, 3);
  const RandomPackedWeight weight(shape.outputs, shape.inputs, dtype, 4);
  const std::vector<float> out = Multiply(x, weight.view, 1);
  ThreadPool pool(1);
  QuantizedRows quantized(shape.rows, shape.inputs);
  quantized.Quantize(ConstRows(x.data(), shape.rows, shape.inputs), pool);
  for (size_t row = 0; row < shape.rows; ++row) {
    for (size_t o = 0; o < shape.outputs; ++o) {
      ASSERT_EQ(out[row * shape.outputs + o],
                DotInPromisedOrder(quantized, row, weight.view, o, fused))
          << shape.rows << "x" << shape.inputs << "x" << shape.outputs << " " << NameOf(dtype)
          << " row " << row << " output " << o;
    }
  }
}

// Every instruction set is compared with the same plain code, bit for bit.
TEST(PackedMatMul, ReducesInThePromisedOrder) {
  OnEachInstructionSet([](const std::string& set) {
    for (const ProductShape& shape : kShapes) {
      for (const DType dtype : kTypes) ExpectThePromisedOrder(shape, dtype, IsFused(set));
    }
  });
}

// The largest bytes on both sides, where sums of 16 bits would overflow.
TEST(PackedMatMul, HoldsTheLargestProducts) {
  constexpr size_t kInputs = 2 * kGroupInputs;
  OnEachInstructionSet([](const std::string&) {
    for (const DType dtype : kTypes) {
      for (const float sign : {1.0F, -1.0F}) {
        for (const float weight : {1.0F, -1.0F}) {
          const std::vector<float> row(kInputs, weight);
          std::vector<std::byte> bytes(PackedPanelBytes(dtype, kInputs));
          PackPanel(dtype, ConstRows(row.data(), 1, kInputs), bytes);
          const std::vector<float> x(kInputs, sign);
          const std::vector<float> out = Multiply(x, {dtype, bytes.data(), 1, kInputs}, 1);
          EXPECT_NEAR(out[0], sign * weight * kInputs, 0.05F * kInputs) << NameOf(dtype);
        }
      }
    }
  });
}

// What quantisation costs, against double precision on the weights before packing. Uniform numbers:
// a step of q4 is 2 / 15 and an error's variance step^2 / 12; activations add 1 / 127 the same way.
TEST(PackedMatMul, ErrsAsMuchAsTheStepsAllow) {
  constexpr size_t kInputs = 4096;
  constexpr size_t kOutputs = 32;
  const std::vector<float> x = RandomValues(kInputs, 11);
  for (const DType dtype : kTypes) {
    const RandomPackedWeight weight(kOutputs, kInputs, dtype, 12);
    const std::vector<float> out = Multiply(x, weight.view, 1);
    double squares = 0;
    for (size_t o = 0; o < kOutputs; ++o) {
      double exact = 0;
      for (size_t k = 0; k < kInputs; ++k) {
        exact += double{x[k]} * double{weight.values[o * kInputs + k]};
      }
      squares += (out[o] - exact) * (out[o] - exact);
    }
    const double weight_step = dtype == DType::kQ4 ? 2.0 / 15 : 2.0 / 254;
    const double step_variance = (weight_step * weight_step + 4.0 / (254 * 254)) / 12;
    const double expected = kInputs * step_variance / 3;  // a uniform number's square is 1 / 3
    EXPECT_LT(squares / kOutputs, 2 * expected) << NameOf(dtype);
    EXPECT_GT(squares / kOutputs, expected / 4) << NameOf(dtype);
  }
}

// More rows than a tile has.
TEST(PackedMatMul, RowGivesTheSameBitsAloneAndInAnyCompanyOnAnyThreads) {
  OnEachInstructionSet([](const std::string&) {
    for (const DType dtype : kTypes) {
      const RandomPackedWeight weight(61, 1031, dtype, 5);
      ASSERT_NO_FATAL_FAILURE(ExpectSameBitsInAnyCompany(weight.view, 70));
    }
  });
}

TEST(PackedMatMul, HasNothingToDoForNoRows) {
  const RandomPackedWeight weight(4, 8, DType::kQ4, 7);
  EXPECT_TRUE(Multiply({}, weight.view, 2).empty());
}

TEST(PackedMatMul, LetsNanAndInfinityThrough) {
  OnEachInstructionSet([](const std::string&) {
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
      const RandomPackedWeight weight(3, 170, DType::kQ4, 9);
      std::vector<float> x = RandomValues(340, 10);
      x[169] = bad;
      const std::vector<float> out = Multiply(x, weight.view, 1);
      for (size_t o = 0; o < 3; ++o) {
        EXPECT_FALSE(std::isfinite(out[o]));
        EXPECT_TRUE(std::isfinite(out[3 + o]));
      }
    }
  });
}

}  // namespace
}  // namespace windrose
