#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "common/wire/frame.h"

namespace windrose::wire {
namespace {

using ::testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

float ThroughBf16(float value) {
  std::vector<std::byte> bytes(2);
  WriteRow({&value, 1}, RowType::kBf16, 0, bytes);
  float result = 0;
  ReadRow(bytes, RowType::kBf16, 0, {&result, 1});
  return result;
}

TEST(Rows, AppendTakesTheNumberedRowsInOrder) {
  const std::vector<float> matrix = {0, 1, 2, 3, 4, 5};
  const std::vector<uint32_t> numbers = {2, 0, 2};
  for (const RowType type : {RowType::kF32, RowType::kBf16}) {
    std::vector<std::byte> bytes(5);  // Appending leaves what is there, at any alignment.
    AppendRows(matrix, 2, numbers, type, bytes);
    ASSERT_EQ(bytes.size(), 5 + 3 * RowBytes(type, 2));
    std::vector<float> row(2);
    ReadRow(std::span(bytes).subspan(5), type, 0, row);
    EXPECT_THAT(row, ElementsAre(4, 5));
    ReadRow(std::span(bytes).subspan(5), type, 1, row);
    EXPECT_THAT(row, ElementsAre(0, 1));
  }
}

TEST(Rows, F32KeepsEveryBit) {
  const float odd = std::bit_cast<float>(0x3F800001U);
  std::vector<std::byte> bytes(8);
  WriteRow({&odd, 1}, RowType::kF32, 1, bytes);
  float got = 0;
  ReadRow(bytes, RowType::kF32, 1, {&got, 1});
  EXPECT_EQ(std::bit_cast<uint32_t>(got), 0x3F800001U);
}

TEST(Rows, Bf16RoundsToNearestTiesToEven) {
  EXPECT_EQ(ThroughBf16(1.0F), 1.0F);
  EXPECT_EQ(ThroughBf16(-0.0F), 0.0F);
  EXPECT_TRUE(std::signbit(ThroughBf16(-0.0F)));
  EXPECT_EQ(ThroughBf16(std::bit_cast<float>(0x3F808000U)), std::bit_cast<float>(0x3F800000U));
  EXPECT_EQ(ThroughBf16(std::bit_cast<float>(0x3F818000U)), std::bit_cast<float>(0x3F820000U));
  EXPECT_EQ(ThroughBf16(std::bit_cast<float>(0x3F808001U)), std::bit_cast<float>(0x3F810000U));
  EXPECT_EQ(ThroughBf16(std::bit_cast<float>(0x3F807FFFU)), std::bit_cast<float>(0x3F800000U));
}

TEST(Rows, Bf16KeepsInfinityAndNotANumber) {
  EXPECT_EQ(ThroughBf16(kInfinity), kInfinity);
  EXPECT_EQ(ThroughBf16(-kInfinity), -kInfinity);
  EXPECT_EQ(ThroughBf16(std::numeric_limits<float>::max()), kInfinity);
  EXPECT_TRUE(std::isnan(ThroughBf16(kNotANumber)));
  EXPECT_TRUE(std::isnan(ThroughBf16(std::bit_cast<float>(0x7F800001U))));  // payload below bf16's
}

TEST(Rows, AllFiniteSeesOneBadValueAnywhere) {
  for (const RowType type : {RowType::kF32, RowType::kBf16}) {
    for (const float bad : {kInfinity, -kInfinity, kNotANumber}) {
      for (const size_t at : {size_t{0}, size_t{1023}, size_t{1024}, size_t{2499}}) {
        std::vector<float> values(2500, 3.0e38F);
        std::vector<std::byte> bytes(RowBytes(type, values.size()));
        WriteRow(values, type, 0, bytes);
        EXPECT_TRUE(AllFinite(bytes, type));
        values[at] = bad;
        WriteRow(values, type, 0, bytes);
        EXPECT_FALSE(AllFinite(bytes, type)) << at;
      }
    }
    EXPECT_TRUE(AllFinite({}, type));
  }
}

}  // namespace
}  // namespace windrose::wire
