#include "common/tensor/packed_matrix.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "common/tensor/convert.h"

namespace windrose {
namespace {

TEST(PackedLayout, TakesFourAndAHalfEightAndAHalfAndSixteenBits) {
  EXPECT_EQ(PackedMatrixBytes(DType::kQ4, 16, 4096), 64U + 16 * 4096 * 9 / 16);
  EXPECT_EQ(PackedMatrixBytes(DType::kQ8, 16, 4096), 64U + 16 * 4096 * 17 / 16);
  EXPECT_EQ(PackedMatrixBytes(DType::kQ4, 17, 65), 2 * (64U + 2 * 576));
  EXPECT_EQ(PackedMatrixBytes(DType::kQ8, 0, 65), 0U);
  EXPECT_EQ(PackedMatrixBytes(DType::kPackedBf16, 16, 4096), 16U * 4096 * 2);
  EXPECT_EQ(PackedMatrixBytes(DType::kPackedBf16, 17, 65), 2U * 16 * 96 * 2);
  EXPECT_EQ(PackedMatrixBytes(DType::kPackedBf16, 0, 65), 0U);
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

// Bytes placed by hand, following the grammar in packed_layout.h: output 5, input 45, which is
// input 13 of the second block.
TEST(PackedMatrix, FindsAWeightOfQ4ByTheGrammar) {
  std::vector<std::byte> bytes(PackedMatrixBytes(DType::kQ4, 6, 64));
  const float row_scale = 0.5F;
  std::memcpy(bytes.data() + 5 * 4, &row_scale, sizeof(row_scale));
  std::byte* group = bytes.data() + 64;
  group[16 + 5] = std::byte{0xF0};                         // scale 1
  group[32 + 16 + 5] = std::byte{0x14};                    // zero 2.5
  group[64 + 256 + 1 * 64 + 5 * 4 + 1] = std::byte{0xB3};  // inputs 9 (low) and 13 (high)
  const WeightView view{DType::kQ4, bytes.data(), 6, 64};
  std::vector<float> row(64);
  ReadWeightRow(view, 5, row);
  EXPECT_EQ(row[32 + 13], 0.5F * (11 - 2.5F));
  EXPECT_EQ(row[32 + 9], 0.5F * (3 - 2.5F));
  EXPECT_EQ(row[32 + 8], 0.5F * (0 - 2.5F));
}

TEST(PackedMatrix, FindsAWeightOfQ8ByTheGrammar) {
  std::vector<std::byte> bytes(PackedMatrixBytes(DType::kQ8, 17, 64));
  std::byte* panel = bytes.data() + PackedPanelBytes(DType::kQ8, 64);  // output 16
  const float row_scale = 2.0F;
  std::memcpy(panel, &row_scale, sizeof(row_scale));
  const uint16_t scale = Bf16FromF32(0.25F);
  std::memcpy(panel + 64 + 16 * 2, &scale, sizeof(scale));  // of the second block
  panel[64 + 64 + 512 + 3 * 64 + 1] = std::byte{130};       // its input 13
  const WeightView view{DType::kQ8, bytes.data(), 17, 64};
  std::vector<float> row(64);
  ReadWeightRow(view, 16, row);
  EXPECT_EQ(row[32 + 13], 2 * 0.25F * 2);
  EXPECT_EQ(row[32 + 12], 2 * 0.25F * -128);
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
