#include "common/kernels/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

constexpr size_t kSizes[] = {1, 7, 15, 16, 17, 33, 256, 4096};
constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

double Silu(double value) { return value / (1.0 + std::exp(-value)); }

void ExpectNearDouble(std::span<const float> got, std::span<const float> x,
                      const std::vector<float>& w) {
  const auto size = static_cast<double>(x.size());
  double squares = 0;
  for (const float value : x) squares += double{value} * double{value};
  const double root = std::sqrt(squares / size + double{1e-5F});
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = double{w[i]} * double{x[i]} / root;
    ASSERT_NEAR(got[i], exact, (size / 16 + 16) * kEpsilon * std::fabs(exact));
  }
}

TEST(RmsNorm, MatchesDoublePrecisionOverOddSizes) {
  OnEachInstructionSet([](const std::string&) {
    ThreadPool pool(2);
    for (const size_t size : kSizes) {
      for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
        const RandomWeight weight(1, size, dtype, 1);
        const std::vector<float> values = RandomValues(5 * size, 2);
        const ConstRows x(values, size);
        std::vector<float> out(values.size());
        const Rows normed(out, size);
        RmsNorm(x, weight.view, 1e-5F, normed, pool);
        for (size_t row = 0; row < x.rows; ++row) {
          ExpectNearDouble(normed.row(row), x.row(row), weight.Row(0));
        }
      }
    }
  });
}

TEST(RmsNorm, RowDoesNotDependOnItsNeighboursAndMayBeInPlace) {
  ThreadPool pool(3);
  constexpr size_t kSize = 531;
  const RandomWeight weight(1, kSize, DType::kBf16, 3);
  std::vector<float> x = RandomValues(40 * kSize, 4);
  std::vector<float> alone(kSize);
  RmsNorm(ConstRows(x.data() + 17 * kSize, 1, kSize), weight.view, 1e-5F, Rows(alone, kSize), pool);
  RmsNorm(ConstRows(x, kSize), weight.view, 1e-5F, Rows(x, kSize), pool);
  const auto begin = x.begin() + 17 * kSize;
  EXPECT_EQ(alone, std::vector<float>(begin, begin + kSize));
}

TEST(RmsNorm, InstructionSetsWithFusedMultiplyAddAgreeToTheBit) {
  ThreadPool pool(1);
  for (const size_t size : kSizes) {
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
      const RandomWeight weight(1, size, dtype, 1);
      const std::vector<float> x = RandomValues(20 * size, 2);
      ExpectSameBitsOnEachFusedSet([&] {
        std::vector<float> out(x.size());
        RmsNorm(ConstRows(x, size), weight.view, 1e-5F, Rows(out, size), pool);
        return out;
      });
    }
  }
}

TEST(RmsNorm, AcceptsNoRows) {
  ThreadPool pool(1);
  const RandomWeight weight(1, 8, DType::kF32, 3);
  RmsNorm(ConstRows(nullptr, 0, 8), weight.view, 1e-5F, Rows(nullptr, 0, 8), pool);
}

TEST(SwiGlu, MatchesDoublePrecisionFromTinyToHuge) {
  OnEachInstructionSet([](const std::string&) {
    for (const size_t size : kSizes) {
      const std::vector<float> up = RandomValues(size, 5);
      std::vector<float> gate = RandomValues(size, 6);
      for (size_t i = 0; i < size; ++i)
        gate[i] *= std::pow(10.0F, static_cast<float>(i % 6) - 3.0F);
      const std::vector<float> before = gate;
      SwiGlu(gate, up);
      for (size_t i = 0; i < size; ++i) {
        const double exact = Silu(before[i]) * up[i];
        ASSERT_NEAR(gate[i], exact, 16 * kEpsilon * std::fabs(exact) + 1e-35) << before[i];
      }
    }
  });
}

TEST(SwiGlu, ElementHasTheSameBitsWhereverItStands) {
  OnEachInstructionSet([](const std::string&) {
    std::vector<float> alone = {0.7331F};
    SwiGlu(alone, std::vector<float>{-1.25F});
    for (size_t size = 1; size < 70; ++size) {
      std::vector<float> gate(size, 0.7331F);
      SwiGlu(gate, std::vector<float>(size, -1.25F));
      for (const float value : gate) ASSERT_EQ(value, alone[0]) << size;
    }
  });
}

TEST(SwiGlu, InstructionSetsWithFusedMultiplyAddAgreeToTheBit) {
  const std::vector<float> up = RandomValues(100'007, 5);
  std::vector<float> gate = RandomValues(up.size(), 6);
  for (size_t i = 0; i < gate.size(); ++i) gate[i] *= std::exp2(static_cast<float>(i % 12) - 4.0F);
  ExpectSameBitsOnEachFusedSet([&] {
    std::vector<float> out = gate;
    SwiGlu(out, up);
    return out;
  });
}

TEST(SwiGlu, ShowsNan) {
  std::vector<float> gate = {std::nanf(""), 1.0F};
  SwiGlu(gate, std::vector<float>{1.0F, std::nanf("")});
  EXPECT_TRUE(std::isnan(gate[0]));
  EXPECT_TRUE(std::isnan(gate[1]));
}

TEST(ExpOfDifference, IsAccurateAndEndsAtZero) {
  OnEachInstructionSet([](const std::string&) {
    std::vector<float> values;
    for (float value = -86.0F; value <= 60.0F; value += 0.37F) values.push_back(value);
    const std::vector<float> before = values;
    ExpOfDifference(values, 0.0F);
    for (size_t i = 0; i < values.size(); ++i) {
      const double exact = std::exp(double{before[i]});
      ASSERT_NEAR(values[i], exact, 4 * kEpsilon * exact) << before[i];
    }
    std::vector<float> small = {-kInfinity, -1e30F, -200.0F};
    ExpOfDifference(small, 0.0F);
    EXPECT_EQ(small, (std::vector<float>{0.0F, 0.0F, 0.0F}));
    std::vector<float> same = {3.5F, -1e30F};
    ExpOfDifference(same, 3.5F);
    EXPECT_EQ(same, (std::vector<float>{1.0F, 0.0F}));
  });
}

// From what gives zero to what is taken as 88.
TEST(ExpOfDifference, InstructionSetsWithFusedMultiplyAddAgreeToTheBit) {
  std::vector<float> values = RandomValues(100'007, 12);
  for (float& value : values) value *= 120.0F;
  ExpectSameBitsOnEachFusedSet([&] {
    std::vector<float> out = values;
    ExpOfDifference(out, 0.7F);
    return out;
  });
}

TEST(ExpOfDifference, ShowsNanInItsPlaceAlone) {
  OnEachInstructionSet([](const std::string&) {
    std::vector<float> values(20, 1.0F);
    const std::vector<float> wanted = [&] {
      std::vector<float> all = values;
      ExpOfDifference(all, 0.0F);
      return all;
    }();
    for (const size_t bad : {0U, 9U, 19U}) {
      std::vector<float> out = values;
      out[bad] = std::nanf("");
      ExpOfDifference(out, 0.0F);
      EXPECT_TRUE(std::isnan(out[bad])) << bad;
      out[bad] = wanted[bad];
      EXPECT_EQ(out, wanted) << bad;
    }
  });
}

TEST(Softmax, SumsToOneAndKeepsRatios) {
  OnEachInstructionSet([](const std::string&) {
    for (const size_t size : kSizes) {
      std::vector<float> values = RandomValues(size, 7);
      const std::vector<float> before = values;
      Softmax(values);
      double sum = 0;
      double total = 0;
      for (const float value : before) total += std::exp(double{value});
      for (size_t i = 0; i < size; ++i) {
        const double exact = std::exp(double{before[i]}) / total;
        ASSERT_NEAR(values[i], exact, (static_cast<double>(size) / 16 + 16) * kEpsilon * exact);
        sum += values[i];
      }
      EXPECT_NEAR(sum, 1.0, 1e-5);
    }
  });
}

TEST(Softmax, InstructionSetsWithFusedMultiplyAddAgreeToTheBit) {
  for (const size_t size : kSizes) {
    std::vector<float> scores = RandomValues(size, 7);
    for (float& score : scores) score *= 20.0F;
    ExpectSameBitsOnEachFusedSet([&] {
      std::vector<float> out = scores;
      Softmax(out);
      return out;
    });
  }
}

TEST(Softmax, OfImpossibleScoresIsUniform) {
  std::vector<float> values(4, -kInfinity);
  Softmax(values);
  EXPECT_EQ(values, std::vector<float>(4, 0.25F));
}

TEST(Dot, ReducesInThePromisedOrder) {
  OnEachInstructionSet([](const std::string& set) {
    for (const size_t size : kSizes) {
      const std::vector<float> a = RandomValues(size, 8);
      const std::vector<float> b = RandomValues(size, 9);
      ASSERT_EQ(Dot(a, b), DotInPromisedOrder(a, b, IsFused(set)));
      ASSERT_EQ(Sum(a), DotInPromisedOrder(a, std::vector<float>(size, 1.0F), IsFused(set)));
    }
  });
}

TEST(AddScaledTo, AddsWithOneRounding) {
  OnEachInstructionSet([](const std::string& set) {
    for (const size_t size : kSizes) {
      std::vector<float> sum = RandomValues(size, 10);
      const std::vector<float> before = sum;
      const std::vector<float> value = RandomValues(size, 11);
      AddScaledTo(sum, 0.37F, value);
      for (size_t i = 0; i < size; ++i) {
        const float wanted =
            IsFused(set) ? std::fma(0.37F, value[i], before[i]) : 0.37F * value[i] + before[i];
        ASSERT_EQ(sum[i], wanted);
      }
    }
  });
}

TEST(AddTo, Adds) {
  std::vector<float> sum = {1.0F, 2.0F, 3.0F};
  AddTo(sum, std::vector<float>{0.5F, -2.0F, 1e-3F});
  EXPECT_EQ(sum, (std::vector<float>{1.5F, 0.0F, 3.0F + 1e-3F}));
}

}  // namespace
}  // namespace windrose
