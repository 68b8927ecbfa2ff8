#include "cli/synth/model_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/synth/model_shapes.h"
#include "common/model/checkpoint.h"

namespace windrose::cli {
namespace {

class ModelWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/model_writer_test";
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  SynthOptions Options(const std::string& name) {
    SynthOptions options;
    options.directory = root_ + "/" + name;
    options.config = *ShapeNamed("tiny");
    return options;
  }

  static Status Write(const SynthOptions& options) {
    return WriteModel(options, [](uint64_t, uint64_t) {});
  }

  std::string root_;
};

TEST_F(ModelWriterTest, WritesWhatTheCheckpointReads) {
  const SynthOptions options = Options("a");
  ASSERT_TRUE(Write(options).ok());
  const auto checkpoint = Checkpoint::Open(options.directory);
  ASSERT_TRUE(checkpoint.ok()) << Message(checkpoint.status());
  EXPECT_EQ(checkpoint->config(), options.config);
  EXPECT_TRUE(checkpoint->Coordinator().ok());
}

TEST_F(ModelWriterTest, ShardsAreTheSameModel) {
  SynthOptions whole = Options("whole");
  SynthOptions cut = Options("cut");
  cut.shard_bytes = 100'000;
  ASSERT_TRUE(Write(whole).ok());
  ASSERT_TRUE(Write(cut).ok());
  EXPECT_TRUE(std::filesystem::exists(cut.directory + "/model.safetensors.index.json"));
  EXPECT_EQ(Checkpoint::Open(whole.directory)->model_hash(),
            Checkpoint::Open(cut.directory)->model_hash());
}

TEST_F(ModelWriterTest, AnotherSeedIsAnotherModel) {
  SynthOptions first = Options("first");
  SynthOptions second = Options("second");
  second.seed = 1;
  ASSERT_TRUE(Write(first).ok());
  ASSERT_TRUE(Write(second).ok());
  EXPECT_NE(Checkpoint::Open(first.directory)->model_hash(),
            Checkpoint::Open(second.directory)->model_hash());
}

TEST_F(ModelWriterTest, CountsItsProgressToTheEnd) {
  uint64_t last = 0;
  uint64_t total = 0;
  ASSERT_TRUE(WriteModel(Options("a"), [&](uint64_t bytes, uint64_t total_bytes) {
                EXPECT_GT(bytes, last);
                last = bytes;
                total = total_bytes;
              }).ok());
  EXPECT_GT(total, 0U);
  EXPECT_EQ(last, total);
}

TEST_F(ModelWriterTest, NeverOverwritesAModel) {
  ASSERT_TRUE(Write(Options("a")).ok());
  EXPECT_EQ(Write(Options("a")).code(), StatusCode::kAlreadyExists);
}

TEST_F(ModelWriterTest, WritesAnewWhatWasCutOff) {
  SynthOptions options = Options("a");
  options.tokenizer = root_ + "/pieces";
  std::filesystem::create_directories(options.directory);
  std::ofstream(options.tokenizer) << "pieces";
  std::ofstream(options.directory + "/tokenizer.model") << "pie";
  std::ofstream(options.directory + "/model.safetensors") << "weig";
  const Status status = Write(options);
  ASSERT_TRUE(status.ok()) << Message(status);
  EXPECT_EQ(*Checkpoint::Open(options.directory)->Tokenizer(), "pieces");
}

TEST_F(ModelWriterTest, WritesAnewWhatWasCutOffInOneFileOfMore) {
  SynthOptions options = Options("a");
  options.shard_bytes = 100'000;
  std::filesystem::create_directories(options.directory);
  std::ofstream(options.directory + "/model.safetensors") << "weig";
  ASSERT_TRUE(Write(options).ok());
  const auto checkpoint = Checkpoint::Open(options.directory);
  EXPECT_TRUE(checkpoint.ok()) << Message(checkpoint.status());
}

TEST_F(ModelWriterTest, LeavesAnUnfinishedConversionAlone) {
  const SynthOptions options = Options("a");
  std::filesystem::create_directories(options.directory);
  std::ofstream(options.directory + "/windrose.json.partial") << "{}";
  EXPECT_EQ(Write(options).code(), StatusCode::kAlreadyExists);
}

TEST_F(ModelWriterTest, ReportsATokenizerThatIsNotThere) {
  SynthOptions options = Options("a");
  options.tokenizer = "/nowhere/tokenizer.model";
  EXPECT_EQ(Write(options).code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace windrose::cli
