#include "expert-worker/ffn/grouped_ffn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/kernels/pack.h"
#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

// Neither is a whole number of lanes, of panels or of groups; rows are more than any tile of them.
constexpr size_t kHidden = 83;
constexpr size_t kWidth = 150;
constexpr size_t kRows = 37;

std::vector<std::byte> Stored(const std::vector<float>& values, size_t cols, DType dtype) {
  const WeightView view{dtype, nullptr, values.size() / cols, cols};
  std::vector<std::byte> bytes(view.bytes());
  if (!IsPacked(dtype)) {
    WriteWeights(values, dtype, bytes.data());
    return bytes;
  }
  const size_t panel_bytes = PackedPanelBytes(dtype, cols);
  for (size_t first = 0; first < view.rows; first += kPanelOutputs) {
    PackPanel(dtype, {&values[first * cols], std::min(kPanelOutputs, view.rows - first), cols},
              std::span(bytes).subspan(first / kPanelOutputs * panel_bytes, panel_bytes));
  }
  return bytes;
}

// The matrices of one expert, in `dtype`, and what keeps them alive.
struct StoredExpert {
  StoredExpert(uint64_t seed, DType dtype_in)
      : dtype(dtype_in),
        w1(Stored(RandomValues(kWidth * kHidden, seed), kHidden, dtype)),
        w2(Stored(RandomValues(kHidden * kWidth, seed + 1), kWidth, dtype)),
        w3(Stored(RandomValues(kWidth * kHidden, seed + 2), kHidden, dtype)) {}

  ExpertMatrices matrices() const {
    return {.w1 = {dtype, w1.data(), kWidth, kHidden},
            .w2 = {dtype, w2.data(), kHidden, kWidth},
            .w3 = {dtype, w3.data(), kWidth, kHidden}};
  }
  DType dtype;
  std::vector<std::byte> w1, w2, w3;
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

// As many rows as `input` has, in passes of `tile` rows.
std::vector<float> Compute(const StoredExpert& stored, std::span<const float> input, size_t tile,
                           size_t threads, Bf16Order order = Bf16Order::kPairs) {
  ThreadPool pool(threads);
  GroupedFfn ffn(Shape(), WeightsOf(stored, ExpertId(3)), tile, pool);
  std::vector<float> output(input.size(), std::nanf(""));
  ffn.Run({LayerIndex(0), order}, ExpertId(3), input, output);
  return output;
}

// A number of the definition, and by how much f32 and prepared activations may be off it.
struct Bounded {
  double value = 0;
  double error = 0;
};

// How far an activation may be from its prepared form, as a part of its row's largest magnitude.
double PreparationStep(DType dtype) {
  if (IsQuantized(dtype)) return 0.5 / 127;
  return dtype == DType::kPackedBf16 ? 0x1p-8 : 0;
}

Bounded Product(const WeightView& weight, size_t output, const std::vector<Bounded>& x) {
  std::vector<float> row(weight.cols);
  ReadWeightRow(weight, output, row);
  double largest = 0;
  for (const Bounded& number : x) largest = std::max(largest, std::fabs(number.value));
  const double step = PreparationStep(weight.dtype) * largest;
  const double rounding =
      std::numeric_limits<float>::epsilon() * static_cast<double>(weight.cols + 8);
  Bounded sum;
  for (size_t input = 0; input < weight.cols; ++input) {
    const double w = row[input];
    sum.value += w * x[input].value;
    sum.error += std::fabs(w) * (x[input].error + step + rounding * std::fabs(x[input].value));
  }
  return sum;
}

// silu(gate) * up; silu's slope is below 1.1.
Bounded Gated(const Bounded& gate, const Bounded& up) {
  const double silu = gate.value / (1.0 + std::exp(-gate.value));
  const double silu_error = 1.1 * gate.error + 1e-6;
  return {silu * up.value,
          silu_error * (std::fabs(up.value) + up.error) + std::fabs(silu) * up.error};
}

// The definition, in double precision, one row.
std::vector<Bounded> Reference(const ExpertMatrices& expert, std::span<const float> row) {
  std::vector<Bounded> x;
  for (const float value : row) x.push_back({value, 0});
  std::vector<Bounded> inner(kWidth);
  for (size_t index = 0; index < kWidth; ++index) {
    inner[index] = Gated(Product(expert.w1, index, x), Product(expert.w3, index, x));
  }
  std::vector<Bounded> result(kHidden);
  for (size_t index = 0; index < kHidden; ++index) result[index] = Product(expert.w2, index, inner);
  return result;
}

std::vector<uint32_t> BitsOf(std::span<const float> values) {
  std::vector<uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}

std::span<const float> RowOf(std::span<const float> values, size_t row) {
  return values.subspan(row * kHidden, kHidden);
}

class GroupedFfnTypes : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(All, GroupedFfnTypes,
                         ::testing::Values(DType::kF32, DType::kF16, DType::kBf16,
                                           DType::kPackedBf16, DType::kQ8, DType::kQ4),
                         [](const auto& type) { return std::string(NameOf(type.param)); });

TEST_P(GroupedFfnTypes, ComputesTheDefinition) {
  constexpr size_t kSome = 6;
  const StoredExpert stored(11, GetParam());
  const std::vector<float> input = RandomValues(kSome * kHidden, 77);
  OnEachInstructionSet([&](const std::string&) {
    const std::vector<float> output = Compute(stored, input, 4, 1);
    double squares = 0;
    double errors = 0;
    for (size_t row = 0; row < kSome; ++row) {
      const std::vector<Bounded> wanted = Reference(stored.matrices(), RowOf(input, row));
      for (size_t column = 0; column < kHidden; ++column) {
        const double error = output[row * kHidden + column] - wanted[column].value;
        ASSERT_LE(std::fabs(error), wanted[column].error) << row << ' ' << column;
        squares += wanted[column].value * wanted[column].value;
        errors += error * error;
      }
    }
    // The bounds add up the worst of every step; all errors together are far smaller.
    EXPECT_LT(std::sqrt(errors / squares), IsPacked(GetParam()) ? 0.02 : 1e-6);
  });
}

TEST_P(GroupedFfnTypes, RowHasTheSameBitsAloneAndInAnyCompany) {
  const StoredExpert stored(5, GetParam());
  const std::vector<float> input = RandomValues(kRows * kHidden, 9);
  OnEachInstructionSet([&](const std::string&) {
    const std::vector<float> together = Compute(stored, input, kRows, 2);
    for (const size_t tile : {1U, 2U, 5U, 36U, 100U}) {
      EXPECT_EQ(BitsOf(Compute(stored, input, tile, 1)), BitsOf(together)) << tile;
    }
    for (size_t row = 0; row < kRows; ++row) {
      ASSERT_EQ(BitsOf(Compute(stored, RowOf(input, row), kRows, 1)), BitsOf(RowOf(together, row)))
          << row;
    }
  });
}

TEST_P(GroupedFfnTypes, AllInstructionSetsGiveTheSameBits) {
  const StoredExpert stored(6, GetParam());
  const std::vector<float> input = RandomValues(kRows * kHidden, 10);
  const std::vector<uint32_t> best = BitsOf(Compute(stored, input, kRows, 1));
  OnEachInstructionSet([&](const std::string& set) {
    if (!IsFused(set)) return;
    EXPECT_EQ(BitsOf(Compute(stored, input, kRows, 1)), best);
  });
}

TEST_P(GroupedFfnTypes, NoRowsAreNoWork) {
  const StoredExpert stored(1, GetParam());
  EXPECT_TRUE(Compute(stored, {}, 4, 1).empty());
}

// Calls of either order may follow one another; each gets the bits of its own, on every set.
TEST(GroupedFfn, OrdersOfBf16AreAnswersOfTheirOwn) {
  const StoredExpert stored(3, DType::kPackedBf16);
  const std::vector<float> input = RandomValues(kRows * kHidden, 4);
  const std::vector<float> pairs = Compute(stored, input, kRows, 1, Bf16Order::kPairs);
  const std::vector<float> blocks = Compute(stored, input, kRows, 1, Bf16Order::kBlocks);
  EXPECT_NE(BitsOf(pairs), BitsOf(blocks));
  OnEachInstructionSet([&](const std::string& set) {
    if (!IsFused(set)) return;
    ThreadPool pool(2);
    GroupedFfn ffn(Shape(), WeightsOf(stored, ExpertId(3)), 5, pool);
    std::vector<float> output(input.size());
    for (const Bf16Order order : {Bf16Order::kBlocks, Bf16Order::kPairs, Bf16Order::kBlocks}) {
      ffn.Run({LayerIndex(0), order}, ExpertId(3), input, output);
      EXPECT_EQ(BitsOf(output), BitsOf(order == Bf16Order::kPairs ? pairs : blocks));
    }
  });
}

// What one layer's format prepared is not taken for another's.
TEST(GroupedFfn, LayersMayDifferInFormat) {
  const StoredExpert quantized(1, DType::kQ8);
  const StoredExpert rounded(1, DType::kPackedBf16);
  MixtralConfig shape = Shape();
  shape.layers = 2;
  ThreadPool pool(1);
  GroupedFfn ffn(shape,
                 ExpertWeights({{{LayerIndex(0), ExpertId(3)}, quantized.matrices()},
                                {{LayerIndex(1), ExpertId(3)}, rounded.matrices()}},
                               nullptr),
                 4, pool);
  const std::vector<float> input = RandomValues(3 * kHidden, 2);
  std::vector<float> output(input.size());
  for (int round = 0; round < 2; ++round) {
    ffn.Run({LayerIndex(0)}, ExpertId(3), input, output);
    EXPECT_EQ(output, Compute(quantized, input, 4, 1));
    ffn.Run({LayerIndex(1)}, ExpertId(3), input, output);
    EXPECT_EQ(output, Compute(rounded, input, 4, 1));
  }
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
