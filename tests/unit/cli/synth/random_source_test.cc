#include "cli/synth/random_source.h"

#include <gtest/gtest.h>

#include <vector>

#include "cli/convert/conversion.h"
#include "cli/synth/model_shapes.h"
#include "cli/synth/random_weights.h"
#include "common/model/checkpoint.h"
#include "tests/support/temporary_directory.h"

namespace windrose::cli {
namespace {

// With rows of a length that is no multiple of four, the step of the generator.
MixtralConfig OddShape() {
  MixtralConfig config = *ShapeNamed("tiny");
  config.hidden = 66;
  return config;
}

TEST(RandomSource, RowsAreThoseOfTheWrittenModel) {
  const RandomSource source(OddShape(), 5, std::nullopt);
  const std::vector<TensorSpec> tensors = TensorsOf(OddShape());
  for (const uint32_t index : {0U, 1U, 2U, 9U}) {
    const TensorSpec& tensor = tensors[index];
    const size_t cols = tensor.shape.back();
    const size_t first = tensor.shape.size() == 2 ? 3 : 0;
    std::vector<float> whole((first + 1) * cols);
    FillWeights(tensor, 5, index, 0, whole);
    std::vector<float> row(cols);
    ASSERT_TRUE(source.ReadRows(tensor.name, first, Rows(row.data(), 1, cols)).ok());
    EXPECT_TRUE(std::equal(row.begin(), row.end(),
                           whole.begin() + static_cast<std::ptrdiff_t>(first * cols)))
        << tensor.name;
  }
}

TEST(RandomSource, BecomesACheckpointThatOpens) {
  const TemporaryDirectory directory;
  const RandomSource source(*ShapeNamed("tiny"), 5, "pieces");
  const Status status =
      Convert(source, {directory.path(), DType::kQ8, 1}, [](uint64_t, uint64_t) {});
  ASSERT_TRUE(status.ok()) << ToString(status);
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_EQ(checkpoint->format(), DType::kQ8);
  EXPECT_TRUE(checkpoint->Coordinator().ok());
}

TEST(RandomSource, IsAnotherOneWithAnotherSeed) {
  const MixtralConfig config = *ShapeNamed("tiny");
  EXPECT_NE(*RandomSource(config, 1, std::nullopt).Identity(),
            *RandomSource(config, 2, std::nullopt).Identity());
  EXPECT_EQ(RandomSource(config, 1, std::nullopt).Tokenizer().status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace windrose::cli
