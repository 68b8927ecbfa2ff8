#include "cli/convert/panel_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/kernels/pack.h"
#include "common/tensor/convert.h"
#include "common/tensor/packed_matrix.h"
#include "tests/support/tiny_mixtral.h"
#include "tests/unit/cli/convert/made_source.h"

namespace windrose::cli {
namespace {

constexpr DType kFormats[] = {DType::kF32, DType::kF16, DType::kBf16,
                              DType::kQ8,  DType::kQ4,  DType::kPackedBf16};

const MadeSource& Source() {
  static const MadeSource source(TinyMixtralConfig());
  return source;
}

StatusOr<std::vector<std::byte>> EncodeAll(const WeightSource& source, const StoredTensor& tensor) {
  const PanelEncoder encoder(source, tensor);
  std::vector<std::byte> bytes(encoder.Offset(encoder.panel_count()));
  std::vector<float> scratch(encoder.scratch_size());
  for (size_t panel = 0; panel < encoder.panel_count(); ++panel) {
    const size_t begin = encoder.Offset(panel);
    RETURN_IF_ERROR(encoder.Encode(
        panel, scratch, std::span(bytes).subspan(begin, encoder.Offset(panel + 1) - begin)));
  }
  return bytes;
}

TEST(PanelEncoder, MakesAllBytesOfATensor) {
  for (const DType format : kFormats) {
    for (const uint64_t rows : {1U, 15U, 16U, 17U, 64U}) {
      const StoredTensor tensor{{"w", {rows, 70}}, format};
      const auto bytes = EncodeAll(Source(), tensor);
      ASSERT_TRUE(bytes.ok()) << ToString(bytes.status());
      EXPECT_EQ(bytes->size(), StoredBytes(tensor.spec.shape, format));
    }
  }
}

TEST(PanelEncoder, EveryRowReadsBackAsItsFormatHasIt) {
  constexpr size_t kRows = 21;
  constexpr size_t kCols = 70;
  for (const DType format : kFormats) {
    const StoredTensor tensor{{"w", {kRows, kCols}}, format};
    const auto bytes = EncodeAll(Source(), tensor);
    ASSERT_TRUE(bytes.ok());
    const WeightView view{format, bytes->data(), kRows, kCols};
    std::vector<float> wanted(kCols);
    std::vector<float> got(kCols);
    const float tolerance = format == DType::kQ4 ? 0.05F : format == DType::kF32 ? 0 : 0.004F;
    for (size_t row = 0; row < kRows; ++row) {
      ASSERT_TRUE(Source().ReadRows("w", row, Rows(wanted.data(), 1, kCols)).ok());
      ReadWeightRow(view, row, got);
      for (size_t col = 0; col < kCols; ++col) EXPECT_NEAR(got[col], wanted[col], tolerance);
    }
  }
}

TEST(PanelEncoder, TakesANormAsOneRow) {
  const auto bytes = EncodeAll(Source(), {{"norm", {40}}, DType::kF32});
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->size(), 160U);
}

TEST(PanelEncoder, NamesTheWeightThatIsNotFiniteOrTooLarge) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -INFINITY, 3.4e38F, -0x1.2p126F}) {
    MadeSource source(TinyMixtralConfig());
    source.weight = [bad](const std::string&, size_t row, size_t col) {
      return row == 18 && col == 69 ? std::optional(bad) : std::nullopt;
    };
    const Status status = EncodeAll(source, {{"some.w", {21, 70}}, DType::kQ4}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(status), testing::HasSubstr("made.file: tensor some.w: row 18, column 69"));
  }
}

TEST(PanelEncoder, PacksTheLargestWeightsAsNumbers) {
  MadeSource source(TinyMixtralConfig());
  source.weight = [](const std::string&, size_t, size_t col) {
    return std::optional(col % 2 == 0 ? 0x1p126F : -0x1p126F);
  };
  for (const DType format : kFormats) {
    if (format == DType::kF16) continue;
    const auto bytes = EncodeAll(source, {{"some.w", {16, 70}}, format});
    ASSERT_TRUE(bytes.ok()) << ToString(bytes.status());
    std::vector<float> row(70);
    ReadWeightRow({format, bytes->data(), 16, 70}, 15, row);
    for (const float weight : row) EXPECT_NEAR(std::fabs(weight) / 0x1p126F, 1.0F, 0.1F);
  }
}

// Rows 16 and 17 of 18 are zeros, of either sign, but for the last weight if there is one.
MadeSource SourceWithHole(std::optional<float> last_weight = std::nullopt) {
  MadeSource source(TinyMixtralConfig());
  source.weight = [last_weight](const std::string&, size_t row,
                                size_t col) -> std::optional<float> {
    if (row < 16) return std::nullopt;
    return row == 17 && col == 69 && last_weight ? last_weight : col % 2 == 0 ? 0.0F : -0.0F;
  };
  return source;
}

TEST(PanelEncoder, NamesThePanelThatIsAHole) {
  for (const DType format : kFormats) {
    const Status status = EncodeAll(SourceWithHole(), {{"some.w", {18, 70}}, format}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(status), testing::HasSubstr("made.file: tensor some.w: rows 16 to 17"));
  }
}

TEST(PanelEncoder, TakesAPanelWithOneWeight) {
  EXPECT_TRUE(EncodeAll(SourceWithHole(0.25F), {{"some.w", {18, 70}}, DType::kQ8}).ok());
}

TEST(PanelEncoder, TakesZerosForTokensThatNobodyUses) {
  for (const char* name : {kEmbeddingTensor, kHeadTensor}) {
    EXPECT_TRUE(EncodeAll(SourceWithHole(), {{name, {18, 70}}, DType::kBf16}).ok());
  }
}

}  // namespace
}  // namespace windrose::cli
