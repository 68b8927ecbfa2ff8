#include "cli/convert/gguf_weight_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/convert/conversion.h"
#include "common/model/checkpoint.h"
#include "common/model/tensor_names.h"
#include "common/tensor/convert.h"
#include "tests/support/temporary_directory.h"

namespace windrose::cli {
namespace {

const std::string kFile = WINDROSE_SOURCE_DIR "/tests/unit/common/model/data/tiny_mixtral.gguf";

TEST(GgufWeightSource, GivesTheRowsOfTheFile) {
  const auto source = GgufWeightSource::Open(kFile);
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  const auto file = GgufSource::Open(kFile);
  for (const TensorSpec& tensor : TensorsOf(file->config())) {
    const size_t cols = tensor.shape.back();
    const size_t rows = tensor.shape.size() == 2 ? tensor.shape[0] : 1;
    std::vector<float> all(rows * cols);
    ASSERT_TRUE((*source)->ReadRows(tensor.name, 0, Rows(std::span<float>(all), cols)).ok());
    std::vector<float> last(cols);
    ASSERT_TRUE(file->ReadRow(tensor.name, rows - 1, last).ok());
    EXPECT_TRUE(std::equal(last.begin(), last.end(), all.end() - static_cast<std::ptrdiff_t>(cols)))
        << tensor.name;
  }
}

TEST(GgufWeightSource, BecomesACheckpointThatOpens) {
  const TemporaryDirectory directory;
  const auto source = GgufWeightSource::Open(kFile);
  const Status status =
      Convert(**source, {directory.path(), DType::kQ8, 1}, [](uint64_t, uint64_t) {});
  ASSERT_TRUE(status.ok()) << ToString(status);
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_EQ(checkpoint->format(), DType::kQ8);
  EXPECT_TRUE(checkpoint->Coordinator().ok());
}

TEST(GgufWeightSource, KeepsPlainFormatsAndTakesBlocksForBf16) {
  const auto source = GgufWeightSource::Open(kFile);
  const auto file = GgufSource::Open(kFile);
  for (const TensorSpec& tensor : TensorsOf(file->config())) {
    const DType wanted = DTypeNamed(*file->FormatName(tensor.name)).value_or(DType::kBf16);
    EXPECT_EQ((*source)->FormatOf(tensor.name), wanted) << tensor.name;
  }
}

TEST(GgufWeightSource, IsRecognisedByItsFile) {
  const auto identity = (*GgufWeightSource::Open(kFile))->Identity();
  ASSERT_TRUE(identity.ok()) << ToString(identity.status());
  EXPECT_THAT(*identity, testing::ElementsAre(testing::StartsWith("tiny_mixtral.gguf ")));
}

}  // namespace
}  // namespace windrose::cli
