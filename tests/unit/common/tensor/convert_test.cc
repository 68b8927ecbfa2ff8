#include "common/tensor/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace windrose {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Bf16, EveryPatternSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = F32FromBf16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(Bf16FromF32(value), bits);
  }
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(F32FromBf16(Bf16FromF32(1.0F + 0x1.0p-9F)), 1.0F);              // below the middle
  EXPECT_EQ(F32FromBf16(Bf16FromF32(1.0F + 0x1.0p-8F)), 1.0F);              // middle, down to even
  EXPECT_EQ(F32FromBf16(Bf16FromF32(1.0F + 0x1.8p-7F)), 1.0F + 0x1.0p-6F);  // middle, up to even
  EXPECT_EQ(F32FromBf16(Bf16FromF32(1.0F + 0x1.1p-8F)), 1.0F + 0x1.0p-7F);  // above the middle
  EXPECT_EQ(F32FromBf16(Bf16FromF32(-1.0F - 0x1.8p-7F)), -1.0F - 0x1.0p-6F);
}

TEST(Bf16, KeepsNanAndOverflowsToInfinity) {
  EXPECT_TRUE(std::isnan(F32FromBf16(Bf16FromF32(std::nanf("")))));
  // A NaN whose upper half alone would read as infinity.
  EXPECT_TRUE(std::isnan(F32FromBf16(Bf16FromF32(std::bit_cast<float>(0x7F800001U)))));
  EXPECT_EQ(F32FromBf16(Bf16FromF32(std::numeric_limits<float>::max())), kInfinity);
  EXPECT_EQ(F32FromBf16(Bf16FromF32(-kInfinity)), -kInfinity);
}

TEST(F16, EveryPatternSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = F32FromF16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(F32FromF16(F16FromF32(value))));
      continue;
    }
    ASSERT_EQ(F16FromF32(value), bits);
  }
}

TEST(F16, RoundsEveryMiddleToEven) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = F32FromF16(static_cast<uint16_t>(bits));
    const float high = F32FromF16(static_cast<uint16_t>(bits + 1));
    const float middle = (low + high) / 2.0F;
    ASSERT_EQ(F16FromF32(middle), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(F16FromF32(std::nextafter(middle, kInfinity)), bits + 1);
    ASSERT_EQ(F16FromF32(std::nextafter(middle, 0.0F)), bits);
  }
}

TEST(F16, OverflowsToInfinityFromTheMiddleOn) {
  EXPECT_EQ(F32FromF16(F16FromF32(65519.996F)), 65504.0F);
  EXPECT_EQ(F32FromF16(F16FromF32(65520.0F)), kInfinity);
  EXPECT_EQ(F32FromF16(F16FromF32(-1e30F)), -kInfinity);
}

TEST(WeightRows, ReadBackWhatWasWrittenAtOddAddresses) {
  const std::vector<float> values = {1.0F, -2.5F, 0.0F, 1024.0F, -0.125F, 3.0F};
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
    std::vector<std::byte> bytes(values.size() * SizeOf(dtype) + 1);
    WriteWeights(values, dtype, bytes.data() + 1);
    const WeightView view{dtype, bytes.data() + 1, 2, 3};
    std::vector<float> row(3);
    ReadWeightRow(view, 1, row);
    EXPECT_EQ(row, (std::vector<float>{1024.0F, -0.125F, 3.0F})) << NameOf(dtype);
  }
}

TEST(DTypes, AreNamedAsInSafetensors) {
  EXPECT_EQ(DTypeNamed("BF16"), DType::kBf16);
  EXPECT_EQ(DTypeNamed("F16"), DType::kF16);
  EXPECT_EQ(DTypeNamed("F32"), DType::kF32);
  EXPECT_EQ(DTypeNamed("F64"), std::nullopt);
  EXPECT_EQ(DTypeNamed("bf16"), std::nullopt);
}

}  // namespace
}  // namespace windrose
