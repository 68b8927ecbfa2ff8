#include "common/tensor/packed_matrix.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "common/tensor/convert.h"

namespace windrose {
namespace {

TEST(PackedLayout, TakesLittleMoreThanFourEightAndSixteenBits) {
  // A scale for each output, a code for 128 inputs of each, a level and the weights of each block.
  EXPECT_EQ(PackedMatrixBytes(DType::kQ4, 16, 4096), 16U * (4 + 32 + 128 + 2048));
  EXPECT_EQ(PackedMatrixBytes(DType::kQ8, 16, 4096), 16U * (4 + 128 + 4096));
  EXPECT_EQ(PackedMatrixBytes(DType::kQ4, 17, 129), 2 * (64U + 64 + 2 * (64 + 1024)));
  EXPECT_EQ(PackedMatrixBytes(DType::kQ8, 17, 129), 2 * (64U + 2 * (64 + 2048)));
  EXPECT_EQ(PackedMatrixBytes(DType::kQ8, 0, 65), 0U);
  EXPECT_EQ(PackedMatrixBytes(DType::kPackedBf16, 16, 4096), 16U * 4096 * 2);
  EXPECT_EQ(PackedMatrixBytes(DType::kPackedBf16, 17, 65), 2U * 16 * 96 * 2);
  EXPECT_EQ(PackedMatrixBytes(DType::kPackedBf16, 0, 65), 0U);
}

TEST(PackedLayout, KeepsGroupsOnWholeCacheLines) {
  for (const size_t inputs : {1U, 128U, 500U, 4096U}) {
    for (const DType dtype : {DType::kQ4, DType::kQ8}) {
      EXPECT_EQ(PackedGroupsOffset(dtype, inputs) % 64, 0U);
      EXPECT_EQ(PackedGroupBytes(dtype) % 64, 0U);
    }
  }
}

TEST(Q4Level, HasAFactorAndAZeroInHalfSteps) {
  EXPECT_EQ(Q4LevelOf(0x0F).factor, 15);
  EXPECT_EQ(Q4LevelOf(0x0F).offset, 60);   // 4 steps
  EXPECT_EQ(Q4LevelOf(0xFA).offset, 115);  // 11.5 steps of 10
  EXPECT_EQ(Q4LevelOf(0x13).offset, 13);   // 4.5 steps of 3 are 13.5
  EXPECT_EQ(Q4LevelOf(0xF0).factor, 0);
}

TEST(ScaleOfCode, RisesByASixteenthOfItsPowerOfTwo) {
  EXPECT_EQ(ScaleOfCode(0), 0x1.0p-15F);
  EXPECT_EQ(ScaleOfCode(255), 1.9375F);
  for (int code = 1; code < 256; ++code) {
    const float step =
        ScaleOfCode(static_cast<uint8_t>(code)) / ScaleOfCode(static_cast<uint8_t>(code - 1));
    EXPECT_GT(step, 1.03F);
    EXPECT_LE(step, 1.0625F);
  }
}

// Bytes placed by hand, following the grammar in packed_layout.h: output 5, input 128 + 45, which
// is input 13 of the second block of the second group.
TEST(PackedMatrix, FindsAWeightOfQ4ByTheGrammar) {
  std::vector<std::byte> bytes(PackedMatrixBytes(DType::kQ4, 6, 256));
  const float row_scale = 0.5F;
  std::memcpy(bytes.data() + 5 * 4, &row_scale, sizeof(row_scale));
  bytes[64 + 16 + 5] = std::byte{0xE0};  // scale 1/2
  std::byte* group = bytes.data() + 64 + 64 + 1088;
  group[16 + 5] = std::byte{0x1A};                         // steps of 10, zero at 4.5 of them
  group[64 + 256 + 1 * 64 + 5 * 4 + 1] = std::byte{0xB3};  // inputs 9 (low) and 13 (high)
  const WeightView view{DType::kQ4, bytes.data(), 6, 256};
  std::vector<float> row(256);
  ReadWeightRow(view, 5, row);
  EXPECT_EQ(row[128 + 32 + 13], 0.25F * (110 - 45));
  EXPECT_EQ(row[128 + 32 + 9], 0.25F * (30 - 45));
  EXPECT_EQ(row[128 + 32 + 8], 0.25F * (0 - 45));
}

TEST(PackedMatrix, FindsAWeightOfQ8ByTheGrammar) {
  std::vector<std::byte> bytes(PackedMatrixBytes(DType::kQ8, 17, 256));
  std::byte* panel = bytes.data() + PackedPanelBytes(DType::kQ8, 256);  // output 16
  const float row_scale = 2.0F;
  std::memcpy(panel, &row_scale, sizeof(row_scale));
  std::byte* group = panel + 64 + 64 + 2048;
  group[16] = std::byte{0xD0};                    // scale 1/4 of the second block
  group[64 + 512 + 3 * 64 + 1] = std::byte{130};  // its input 13
  const WeightView view{DType::kQ8, bytes.data(), 17, 256};
  std::vector<float> row(256);
  ReadWeightRow(view, 16, row);
  EXPECT_EQ(row[128 + 32 + 13], 2 * 0.25F * 2);
  EXPECT_EQ(row[128 + 32 + 12], 2 * 0.25F * -128);
}

TEST(PackedMatrix, FindsAWeightOfPackedBf16ByTheGrammar) {
  std::vector<std::byte> bytes(PackedMatrixBytes(DType::kPackedBf16, 17, 45));
  std::byte* panel = bytes.data() + PackedPanelBytes(DType::kPackedBf16, 45);  // output 16
  const uint16_t even = Bf16FromF32(0.25F);
  const uint16_t odd = Bf16FromF32(-3.0F);
  std::memcpy(panel + 21 * 64, &even, sizeof(even));     // its input 42
  std::memcpy(panel + 21 * 64 + 2, &odd, sizeof(odd));   // its input 43
  std::memcpy(bytes.data() + 5 * 4, &odd, sizeof(odd));  // input 0 of output 5
  const WeightView view{DType::kPackedBf16, bytes.data(), 17, 45};
  std::vector<float> row(45);
  ReadWeightRow(view, 16, row);
  EXPECT_EQ(row[42], 0.25F);
  EXPECT_EQ(row[43], -3.0F);
  EXPECT_EQ(row[44], 0.0F);
  ReadWeightRow(view, 5, row);
  EXPECT_EQ(row[0], -3.0F);
}

}  // namespace
}  // namespace windrose
