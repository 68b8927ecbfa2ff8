#include "common/kernels/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/tensor/packed_matrix.h"
#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

constexpr DType kTypes[] = {DType::kQ8, DType::kQ4, DType::kPackedBf16};

// Nearly normal numbers, with one in a hundred ten times as large.
std::vector<float> HeavyTailed(size_t count, uint64_t seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    double sum = -6;
    for (uint64_t k = 0; k < 12; ++k) sum += UniformAt(seed + k, i);
    values[i] = static_cast<float>(sum * (i % 100 == 0 ? 0.2 : 0.02));
  }
  return values;
}

struct PackedRow {
  PackedRow(DType dtype, const std::vector<float>& row)
      : bytes(PackedPanelBytes(dtype, row.size())), view{dtype, bytes.data(), 1, row.size()} {
    PackPanel(dtype, ConstRows(row.data(), 1, row.size()), bytes);
  }
  std::vector<float> Read() const {
    std::vector<float> row(view.cols);
    ReadPackedRow(view, 0, row);
    return row;
  }
  std::vector<std::byte> bytes;
  WeightView view;
};

double RelativeError(const std::vector<float>& wanted, const std::vector<float>& got) {
  double difference = 0;
  double square = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    difference += std::pow(double{wanted[i]} - double{got[i]}, 2);
    square += std::pow(double{wanted[i]}, 2);
  }
  return std::sqrt(difference / square);
}

TEST(Pack, Q8StaysWithinHalfAStepOfEachBlock) {
  const std::vector<float> row = HeavyTailed(300, 1);
  const std::vector<float> read = PackedRow(DType::kQ8, row).Read();
  for (size_t first = 0; first < row.size(); first += kBlockInputs) {
    const size_t end = std::min(first + kBlockInputs, row.size());
    float largest = 0;
    for (size_t i = first; i < end; ++i) largest = std::max(largest, std::fabs(row[i]));
    for (size_t i = first; i < end; ++i) {
      EXPECT_NEAR(read[i], row[i], largest / 127 * 0.54F);  // a scale may be a sixteenth too large
    }
  }
}

// What sixteen equal steps, centred on zero, leave: the largest magnitude becomes -8.
std::vector<float> RoundedPlainly(const std::vector<float>& row) {
  std::vector<float> read;
  for (size_t first = 0; first < row.size(); first += kBlockInputs) {
    float largest = 0;
    for (size_t i = first; i < first + kBlockInputs; ++i) {
      if (std::fabs(row[i]) > std::fabs(largest)) largest = row[i];
    }
    const float step = largest / -8;
    for (size_t i = first; i < first + kBlockInputs; ++i) {
      read.push_back(step * std::clamp(std::nearbyint(row[i] / step), -8.0F, 7.0F));
    }
  }
  return read;
}

TEST(Pack, Q4LeavesATenthLessErrorThanPlainSteps) {
  const std::vector<float> row = HeavyTailed(8192, 2);
  const double plain = RelativeError(row, RoundedPlainly(row));
  const double chosen = RelativeError(row, PackedRow(DType::kQ4, row).Read());
  EXPECT_LT(chosen, 0.9 * plain);
  EXPECT_LT(RelativeError(row, PackedRow(DType::kQ8, row).Read()), plain / 10);
}

TEST(Pack, KeepsZerosAndConstants) {
  for (const DType dtype : kTypes) {
    for (const float value : {0.0F, 0.75F, -3.0F}) {
      for (const float read : PackedRow(dtype, std::vector<float>(170, value)).Read()) {
        // Sixteen values of one sign reach eleven steps from zero.
        EXPECT_NEAR(read, value, std::fabs(value) * 0.5F / 10) << NameOf(dtype);
      }
    }
  }
}

// A byte that came out of its range would change its sign.
TEST(Pack, Q4KeepsBlocksOfOneSignAndOutliersWithinTheirSteps) {
  for (const float sign : {1.0F, -1.0F}) {
    for (const float outlier : {1.0F, 3.0F, 10.0F}) {
      std::vector<float> row = RandomValues(4 * kGroupInputs, 6);
      for (float& value : row) value = sign * (std::fabs(value) + 0.25F);
      row[77] *= outlier;
      row[300] *= -outlier;
      const std::vector<float> read = PackedRow(DType::kQ4, row).Read();
      for (size_t first = 0; first < row.size(); first += kBlockInputs) {
        float largest = 0;
        for (size_t i = 0; i < kBlockInputs; ++i) {
          largest = std::max(largest, std::fabs(row[first + i]));
        }
        for (size_t i = first; i < first + kBlockInputs; ++i) {
          ASSERT_NEAR(read[i], row[i], largest / 7) << sign << " " << outlier << " " << i;
        }
      }
    }
  }
}

TEST(Pack, Bf16IsRoundedToTheNearestAndExactWhereItWasBf16) {
  std::vector<float> row = HeavyTailed(301, 4);
  for (size_t i = 0; i < row.size(); i += 2) row[i] = F32FromBf16(Bf16FromF32(row[i]));
  const std::vector<float> read = PackedRow(DType::kPackedBf16, row).Read();
  for (size_t i = 0; i < row.size(); ++i) {
    EXPECT_EQ(read[i], F32FromBf16(Bf16FromF32(row[i]))) << i;
    if (i % 2 == 0) {
      EXPECT_EQ(read[i], row[i]) << i;
    }
  }
}

TEST(Pack, OutputsDoNotMixAndMissingOnesAreZero) {
  for (const DType dtype : kTypes) {
    const std::vector<float> rows = HeavyTailed(3 * 96, 3);
    std::vector<std::byte> bytes(PackedPanelBytes(dtype, 96));
    PackPanel(dtype, ConstRows(rows.data(), 3, 96), bytes);
    const WeightView view{dtype, bytes.data(), kPanelOutputs, 96};
    for (size_t output = 0; output < kPanelOutputs; ++output) {
      std::vector<float> read(96);
      ReadPackedRow(view, output, read);
      if (output < 3) {
        const std::vector<float> row(rows.begin() + static_cast<ptrdiff_t>(output * 96),
                                     rows.begin() + static_cast<ptrdiff_t>(output * 96 + 96));
        EXPECT_EQ(read, PackedRow(dtype, row).Read());
      } else {
        EXPECT_EQ(read, std::vector<float>(96, 0.0F));
      }
    }
  }
}

TEST(Pack, IsTheSameByEveryInstructionSet) {
  const std::vector<float> rows = HeavyTailed(16 * 200, 5);
  for (const DType dtype : kTypes) {
    std::vector<std::vector<std::byte>> panels;
    OnEachInstructionSet([&](const std::string&) {
      panels.emplace_back(PackedPanelBytes(dtype, 200));
      PackPanel(dtype, ConstRows(rows.data(), 16, 200), panels.back());
    });
    for (const auto& panel : panels) EXPECT_EQ(panel, panels[0]) << NameOf(dtype);
  }
}

}  // namespace
}  // namespace windrose
