#include "cli/convert/checkpoint_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "cli/convert/conversion.h"
#include "common/tensor/convert.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose::cli {
namespace {

class CheckpointSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    MixtralConfig config = TinyMixtralConfig();
    config.dtype = DType::kF16;
    ASSERT_TRUE(WriteTinyMixtral(directory_.path(), config).ok());
  }

  TemporaryDirectory directory_;
};

TEST_F(CheckpointSourceTest, ReadsRowsOfMatricesAndNorms) {
  const auto source = CheckpointSource::Open(directory_.path());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  const auto weights = Checkpoint::Open(directory_.path())->Coordinator();
  std::vector<float> wanted(40);
  std::vector<float> got(3 * 40);
  const Rows rows(std::span<float>(got), 40);
  ASSERT_TRUE((*source)->ReadRows("lm_head.weight", 5, rows).ok());
  for (size_t row = 0; row < 3; ++row) {
    ReadWeightRow(weights->head, 5 + row, wanted);
    EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), rows.row(row).begin()));
  }
  ASSERT_TRUE((*source)->ReadRows("model.norm.weight", 0, Rows(got.data(), 1, 40)).ok());
  ReadWeightRow(weights->final_norm, 0, wanted);
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), got.begin()));
  EXPECT_EQ((*source)->FormatOf("lm_head.weight"), DType::kF16);
  // Advice changes nothing that is read.
  (*source)->WillRead("lm_head.weight");
  (*source)->WasRead("lm_head.weight");
  ASSERT_TRUE((*source)->ReadRows("model.norm.weight", 0, Rows(got.data(), 1, 40)).ok());
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), got.begin()));
}

TEST_F(CheckpointSourceTest, TokenizerIsTheFileOrNotFound) {
  const auto source = CheckpointSource::Open(directory_.path());
  EXPECT_EQ((*source)->Tokenizer().status().code(), StatusCode::kNotFound);
  std::ofstream(directory_.file("tokenizer.model")) << "pieces";
  EXPECT_EQ(*(*source)->Tokenizer(), "pieces");
}

TEST_F(CheckpointSourceTest, ChatTemplateIsTheDirectorysOrNotFound) {
  const auto source = CheckpointSource::Open(directory_.path());
  EXPECT_EQ((*source)->ChatTemplate().status().code(), StatusCode::kNotFound);
  std::ofstream(directory_.file("tokenizer_config.json")) << R"({"chat_template": "{{ a }}"})";
  EXPECT_EQ((*source)->ChatTemplate()->text, "{{ a }}");
}

TEST_F(CheckpointSourceTest, ATokenizerThatCannotBeOpenedIsNotMissing) {
  ASSERT_EQ(mknod(directory_.file("tokenizer.model").c_str(), S_IFSOCK | 0600, 0), 0);
  const auto source = CheckpointSource::Open(directory_.path());
  EXPECT_EQ((*source)->Tokenizer().status().code(), StatusCode::kUnavailable);
}

TEST_F(CheckpointSourceTest, IdentityChangesWithAFile) {
  const auto source = CheckpointSource::Open(directory_.path());
  const auto before = (*source)->Identity();
  ASSERT_TRUE(before.ok());
  EXPECT_EQ(before->size(), 2U);
  std::filesystem::last_write_time(directory_.file("model.safetensors"),
                                   std::filesystem::file_time_type());
  EXPECT_NE(*(*source)->Identity(), *before);
}

// As one that is still being downloaded, or one whose name no manifest could be read back with.
TEST_F(CheckpointSourceTest, FilesThatAreNotTheModelsDoNotMatter) {
  const auto source = CheckpointSource::Open(directory_.path());
  const auto before = (*source)->Identity();
  ASSERT_TRUE(before.ok());
  std::ofstream(directory_.file("other \xE9.safetensors")) << "weights";
  std::filesystem::create_symlink("nowhere", directory_.file("link.safetensors"));
  const auto after = (*source)->Identity();
  ASSERT_TRUE(after.ok()) << ToString(after.status());
  EXPECT_EQ(*after, *before);
  const std::string ours = directory_.file("ours");
  ASSERT_TRUE(Convert(**source, {ours, DType::kQ8, 1}, [](uint64_t, uint64_t) {}).ok());
  EXPECT_TRUE(Checkpoint::Open(ours).ok());
}

TEST_F(CheckpointSourceTest, SaysWhenAFileShrankMeanwhile) {
  const auto source = CheckpointSource::Open(directory_.path());
  std::filesystem::resize_file(directory_.file("model.safetensors"), 4096);
  std::vector<float> row(40);
  const Status status = (*source)->ReadRows("lm_head.weight", 96, Rows(row.data(), 1, 40));
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(Message(status), testing::HasSubstr("lm_head.weight"));
}

TEST_F(CheckpointSourceTest, TakesOurOwnCheckpointsInBf16Only) {
  const auto source = CheckpointSource::Open(directory_.path());
  const auto convert = [&](const std::string& name, DType dtype) {
    return Convert(**source, {directory_.file(name), dtype, 1}, [](uint64_t, uint64_t) {});
  };
  ASSERT_TRUE(convert("bf16", DType::kBf16).ok());
  ASSERT_TRUE(convert("pbf16", DType::kPackedBf16).ok());
  ASSERT_TRUE(convert("q8", DType::kQ8).ok());
  const auto plain = CheckpointSource::Open(directory_.file("bf16"));
  const auto pairs = CheckpointSource::Open(directory_.file("pbf16"));
  ASSERT_TRUE(plain.ok() && pairs.ok());
  EXPECT_EQ((*pairs)->FormatOf("lm_head.weight"), DType::kBf16);
  std::vector<float> wanted(20 * 40);
  std::vector<float> got(20 * 40);
  for (const size_t first : {0U, 13U, 77U}) {
    ASSERT_TRUE((*plain)->ReadRows("lm_head.weight", first, Rows(wanted.data(), 20, 40)).ok());
    ASSERT_TRUE((*pairs)->ReadRows("lm_head.weight", first, Rows(got.data(), 20, 40)).ok());
    EXPECT_EQ(got, wanted);
  }
  // As a whole model does, though what is small keeps the format it had.
  (*pairs)->WillRead("lm_head.weight");
  (*pairs)->WasRead("lm_head.weight");
  const Status packed = CheckpointSource::Open(directory_.file("q8")).status();
  EXPECT_EQ(packed.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(packed), testing::HasSubstr("q8"));
}

// In the last byte of `file`, which is a weight's.
void FlipBit(const std::string& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(-1, std::ios::end);
  const auto last = static_cast<char>(stream.get());
  stream.seekp(-1, std::ios::end);
  stream.put(static_cast<char>(last ^ 1));
}

TEST_F(CheckpointSourceTest, DamagedWeightsOfOurOwnAreNotConverted) {
  const auto discard = [](uint64_t, uint64_t) {};
  const auto source = CheckpointSource::Open(directory_.path());
  EXPECT_TRUE((*source)->Verify().ok());  // there is nothing to compare with
  const std::string ours = directory_.file("ours");
  ASSERT_TRUE(Convert(**source, {ours, DType::kPackedBf16, 1}, discard).ok());
  EXPECT_TRUE((*CheckpointSource::Open(ours))->Verify().ok());

  FlipBit(ours + "/expert-03.safetensors");
  const auto damaged = CheckpointSource::Open(ours);
  ASSERT_TRUE(damaged.ok()) << ToString(damaged.status());
  const Status status = Convert(**damaged, {directory_.file("again"), DType::kQ8, 1}, discard);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(Message(status), testing::HasSubstr("expert-03.safetensors: tensor "));
  EXPECT_FALSE(std::filesystem::exists(directory_.file("again/coordinator.safetensors")));
}

TEST_F(CheckpointSourceTest, AnotherTokenizerThanOurOwnIsNotTaken) {
  const auto source = CheckpointSource::Open(directory_.path());
  std::ofstream(directory_.file("tokenizer.model")) << "pieces";
  const std::string ours = directory_.file("ours");
  ASSERT_TRUE(Convert(**source, {ours, DType::kPackedBf16, 1}, [](uint64_t, uint64_t) {}).ok());
  EXPECT_EQ(*(*CheckpointSource::Open(ours))->Tokenizer(), "pieces");
  std::ofstream(ours + "/tokenizer.model") << "others";
  EXPECT_EQ((*CheckpointSource::Open(ours))->Tokenizer().status().code(), StatusCode::kDataLoss);
}

TEST_F(CheckpointSourceTest, SaysWhatIsWrongWithADirectory) {
  EXPECT_EQ(CheckpointSource::Open("/nowhere").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace windrose::cli
