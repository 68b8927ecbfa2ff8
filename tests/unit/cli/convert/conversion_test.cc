#include "cli/convert/conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/convert/checkpoint_source.h"
#include "cli/convert/durable_files.h"
#include "common/base/mutex.h"
#include "common/kernels/pack.h"
#include "common/model/chat_template_file.h"
#include "common/model/checkpoint.h"
#include "common/model/checkpoint_layout.h"
#include "common/tensor/convert.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"
#include "tests/unit/cli/convert/made_source.h"

namespace windrose::cli {
namespace {

using testing::HasSubstr;

Status ConvertTo(const std::string& directory, const WeightSource& source, DType dtype = DType::kQ8,
                 uint32_t threads = 1) {
  return Convert(source, {directory, dtype, threads}, [](uint64_t, uint64_t) {});
}

std::map<std::string, std::string> FilesIn(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return files;
}

class ConversionTest : public testing::Test {
 protected:
  ConversionTest() { config_.dtype = DType::kBf16; }

  TemporaryDirectory directory_;
  MixtralConfig config_ = TinyMixtralConfig();
};

// Packs the row's panel anew, by the book.
std::vector<float> PackedRow(const WeightView& source, size_t row, DType format) {
  const size_t first = row / kPanelOutputs * kPanelOutputs;
  const size_t rows = std::min(kPanelOutputs, source.rows - first);
  std::vector<float> values(rows * source.cols);
  for (size_t i = 0; i < rows; ++i) {
    ReadWeightRow(source, first + i, std::span(values).subspan(i * source.cols, source.cols));
  }
  std::vector<std::byte> panel(PackedPanelBytes(format, source.cols));
  PackPanel(format, ConstRows(values, source.cols), panel);
  std::vector<float> packed(source.cols);
  ReadWeightRow({format, panel.data(), rows, source.cols}, row - first, packed);
  return packed;
}

void ExpectSameWeights(const WeightView& source, const WeightView& converted,
                       const std::string& name) {
  ASSERT_EQ(converted.rows, source.rows) << name;
  ASSERT_EQ(converted.cols, source.cols) << name;
  std::vector<float> wanted(source.cols);
  std::vector<float> got(source.cols);
  for (size_t row = 0; row < source.rows; ++row) {
    ReadWeightRow(source, row, wanted);
    if (IsPacked(converted.dtype)) wanted = PackedRow(source, row, converted.dtype);
    ReadWeightRow(converted, row, got);
    ASSERT_EQ(got, wanted) << name << " row " << row;
  }
}

TEST_F(ConversionTest, EveryWeightIsThePackedWeightOfItsSource) {
  const TemporaryDirectory source_directory;
  ASSERT_TRUE(WriteTinyMixtral(source_directory.path(), config_, {.seed = 1, .shards = 3}).ok());
  const auto source = CheckpointSource::Open(source_directory.path());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  const auto original = Checkpoint::Open(source_directory.path())->All();
  for (const DType dtype : {DType::kBf16, DType::kQ8, DType::kQ4, DType::kPackedBf16}) {
    const TemporaryDirectory destination;
    const Status status = ConvertTo(destination.path(), **source, dtype, 3);
    ASSERT_TRUE(status.ok()) << ToString(status);
    const auto checkpoint = Checkpoint::Open(destination.path());
    ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
    EXPECT_EQ(checkpoint->format(), dtype);
    const auto converted = checkpoint->All();
    ASSERT_TRUE(converted.ok()) << ToString(converted.status());
    for (const auto& [name, view] : original->views) {
      ExpectSameWeights(view, converted->views.at(name), name);
    }
    const std::atomic<bool> stop{false};
    std::atomic<uint64_t> bytes_read{0};
    EXPECT_TRUE(converted->storage->Read(WeightStorage::Compare::kHashes, stop, bytes_read).ok());
  }
}

TEST_F(ConversionTest, PackedBf16LosesNothingOfWhatWasBf16) {
  const TemporaryDirectory source_directory;
  ASSERT_TRUE(WriteTinyMixtral(source_directory.path(), config_).ok());
  const auto source = CheckpointSource::Open(source_directory.path());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  ASSERT_TRUE(ConvertTo(directory_.path(), **source, DType::kPackedBf16).ok());
  const auto original = Checkpoint::Open(source_directory.path())->All();
  const auto converted = Checkpoint::Open(directory_.path())->All();
  std::vector<float> wanted;
  std::vector<float> got;
  for (const auto& [name, view] : original->views) {
    wanted.resize(view.cols);
    got.resize(view.cols);
    for (size_t row = 0; row < view.rows; ++row) {
      ReadWeightRow(view, row, wanted);
      ReadWeightRow(converted->views.at(name), row, got);
      ASSERT_EQ(got, wanted) << name << " row " << row;
    }
  }
}

TEST_F(ConversionTest, ThreadsDoNotChangeAByte) {
  const MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.file("one"), source, DType::kQ8, 1).ok());
  ASSERT_TRUE(ConvertTo(directory_.file("four"), source, DType::kQ8, 4).ok());
  EXPECT_EQ(FilesIn(directory_.file("one")), FilesIn(directory_.file("four")));
  ASSERT_TRUE(ConvertTo(directory_.file("all"), source, DType::kQ8, 0).ok());
  EXPECT_EQ(FilesIn(directory_.file("one")), FilesIn(directory_.file("all")));
}

TEST_F(ConversionTest, CopiesTheTokenizerAndKeepsTheConfig) {
  const MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  EXPECT_EQ(FilesIn(directory_.path())[kTokenizerFile], "pieces");
  EXPECT_EQ(Checkpoint::Open(directory_.path())->config(), config_);
}

TEST_F(ConversionTest, CarriesTheChatTemplateOver) {
  MadeSource source(config_);
  source.chat_template = ChatTemplateFile{"model.gguf", "{{ bos_token }}\n"};
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  const auto chat_template = ReadChatTemplate(directory_.path());
  ASSERT_TRUE(chat_template.ok()) << ToString(chat_template.status());
  EXPECT_EQ(chat_template->file, "chat_template.jinja");
  EXPECT_EQ(chat_template->text, "{{ bos_token }}\n");
}

TEST_F(ConversionTest, AChatTemplateThatCannotBeReadIsLeftBehind) {
  MadeSource source(config_);
  source.chat_template = InvalidArgument("bad JSON");
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  EXPECT_EQ(ReadChatTemplate(directory_.path()).status().code(), StatusCode::kNotFound);
}

TEST_F(ConversionTest, ATiedHeadStaysTheEmbedding) {
  config_.tied_embeddings = true;
  const MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  const auto weights = Checkpoint::Open(directory_.path())->Coordinator();
  ASSERT_TRUE(weights.ok()) << ToString(weights.status());
  EXPECT_EQ(weights->head.data, weights->embedding.data);
  EXPECT_EQ(weights->head.dtype, DType::kBf16);
}

TEST_F(ConversionTest, WorksWithoutATokenizer) {
  MadeSource source(config_);
  source.tokenizer.reset();
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  EXPECT_TRUE(Checkpoint::Open(directory_.path())->Coordinator().ok());
}

// The names of all files of a conversion of `config`.
std::vector<std::string> PlannedFiles(const MixtralConfig& config) {
  std::vector<std::string> names = {kCoordinatorFile};
  for (ExpertId expert{0}; expert.value() < config.experts; ++expert) {
    names.push_back(ExpertFileName(expert));
  }
  return names;
}

std::string FileOf(const std::string& tensor) {
  const std::string mark = "experts.";
  const size_t at = tensor.find(mark);
  if (at == std::string::npos) return kCoordinatorFile;
  return ExpertFileName(
      ExpertId{static_cast<uint32_t>(std::stoul(tensor.substr(at + mark.size())))});
}

TEST_F(ConversionTest, GoesOnAfterACutInAnyFile) {
  MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.file("whole"), source).ok());
  const auto whole = FilesIn(directory_.file("whole"));
  const std::vector<std::string> planned = PlannedFiles(config_);
  for (size_t cut = 0; cut < planned.size(); ++cut) {
    const std::string destination = directory_.file("cut" + std::to_string(cut));
    source.before_read = [&](const std::string& tensor) {
      return FileOf(tensor) == planned[cut] && !IsNorm({tensor, {}}) ? Unavailable("cut")
                                                                     : OkStatus();
    };
    EXPECT_EQ(ConvertTo(destination, source).code(), StatusCode::kUnavailable);
    const Status unfinished = Checkpoint::Open(destination).status();
    EXPECT_EQ(unfinished.code(), StatusCode::kFailedPrecondition) << ToString(unfinished);

    std::set<std::string> read;
    source.before_read = [&read](const std::string& tensor) {
      read.insert(FileOf(tensor));
      return OkStatus();
    };
    const Status resumed = ConvertTo(destination, source);
    ASSERT_TRUE(resumed.ok()) << ToString(resumed);
    EXPECT_EQ(read.size(), planned.size() - cut);
    EXPECT_EQ(FilesIn(destination), whole);
  }
}

TEST_F(ConversionTest, GoesOnBehindTheLastFile) {
  const MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  const auto whole = FilesIn(directory_.path());
  // As if it had been killed before the manifest took its name, and the config before that.
  std::filesystem::rename(directory_.file(kManifestFile), directory_.file(kUnfinishedManifestFile));
  std::filesystem::remove(directory_.file(kConfigFile));
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  EXPECT_EQ(FilesIn(directory_.path()), whole);
}

TEST_F(ConversionTest, WritesAFileAnewThatIsNotAsItWasLeft) {
  MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  const auto whole = FilesIn(directory_.path());
  std::filesystem::rename(directory_.file(kManifestFile), directory_.file(kUnfinishedManifestFile));
  std::filesystem::resize_file(directory_.file("expert-02.safetensors"), 100);
  std::filesystem::remove(directory_.file("expert-05.safetensors"));
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  const auto repaired = FilesIn(directory_.path());
  EXPECT_EQ(repaired.at("expert-02.safetensors"), whole.at("expert-02.safetensors"));
  EXPECT_EQ(repaired.at("expert-05.safetensors"), whole.at("expert-05.safetensors"));
  EXPECT_TRUE(Checkpoint::Open(directory_.path())->All().ok());
}

TEST_F(ConversionTest, DoesNothingWhenItIsDone) {
  MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.path(), source).ok());
  source.before_read = [](const std::string&) { return Internal("must not be read"); };
  EXPECT_TRUE(ConvertTo(directory_.path(), source).ok());
}

TEST_F(ConversionTest, RefusesADirectoryOfAnotherModel) {
  MadeSource source(config_);
  ASSERT_TRUE(WriteTinyMixtral(directory_.file("."), config_).ok());
  EXPECT_EQ(ConvertTo(directory_.path(), source).code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(Checkpoint::Open(directory_.path()).ok());

  const std::string other = directory_.file("other");
  ASSERT_TRUE(ConvertTo(other, source).ok());
  EXPECT_EQ(ConvertTo(other, source, DType::kQ4).code(), StatusCode::kAlreadyExists);
  source.identity = {"another"};
  EXPECT_EQ(ConvertTo(other, source).code(), StatusCode::kAlreadyExists);
}

TEST_F(ConversionTest, RefusesToGoOnWithAnotherSource) {
  MadeSource source(config_);
  source.before_read = [](const std::string& tensor) {
    return FileOf(tensor) == kCoordinatorFile ? OkStatus() : Unavailable("cut");
  };
  EXPECT_EQ(ConvertTo(directory_.path(), source).code(), StatusCode::kUnavailable);
  source.before_read = nullptr;
  source.identity = {"another"};
  EXPECT_EQ(ConvertTo(directory_.path(), source).code(), StatusCode::kFailedPrecondition);
  source.identity = {"made"};
  EXPECT_EQ(ConvertTo(directory_.path(), source, DType::kQ4).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_TRUE(ConvertTo(directory_.path(), source).ok());
}

TEST_F(ConversionTest, BeginsAnewWhereNoFileWasFinished) {
  MadeSource source(config_);
  ASSERT_TRUE(ConvertTo(directory_.file("whole"), source, DType::kQ4).ok());
  const std::string destination = directory_.file("begun");
  source.before_read = [](const std::string&) { return Unavailable("cut"); };
  EXPECT_EQ(ConvertTo(destination, source).code(), StatusCode::kUnavailable);
  source.before_read = nullptr;
  const Status other = ConvertTo(destination, source, DType::kQ4);
  EXPECT_TRUE(other.ok()) << ToString(other);
  EXPECT_EQ(FilesIn(destination), FilesIn(directory_.file("whole")));
}

TEST_F(ConversionTest, EndsWhenTheSourceChangesMeanwhile) {
  MadeSource source(config_);
  const std::string last = ExpertTensorName(LayerIndex{1}, ExpertId{7}, "w3");
  source.before_read = [&](const std::string& tensor) {
    if (tensor == last) source.identity = {"another"};
    return OkStatus();
  };
  EXPECT_EQ(ConvertTo(directory_.path(), source).code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(directory_.file(kManifestFile)));
  EXPECT_FALSE(std::filesystem::exists(directory_.file("expert-07.safetensors")));
}

TEST_F(ConversionTest, RefusesADirectoryThatAnotherProcessWritesInto) {
  const MadeSource source(config_);
  const auto lock = DirectoryLock::Take(directory_.path());
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(ConvertTo(directory_.path(), source).code(), StatusCode::kFailedPrecondition);
}

TEST_F(ConversionTest, RefusesWeightsThatAreNotFiniteAndLeavesNothingThatLooksComplete) {
  MadeSource source(config_);
  const std::string bad = ExpertTensorName(LayerIndex{1}, ExpertId{6}, "w3");
  source.weight = [&bad](const std::string& tensor, size_t row, size_t col) {
    return tensor == bad && row == 33 && col == 2 ? std::optional(NAN) : std::nullopt;
  };
  const Status status = ConvertTo(directory_.path(), source, DType::kQ4, 3);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr(bad + ": row 33"));
  EXPECT_FALSE(Checkpoint::Open(directory_.path()).ok());
}

TEST_F(ConversionTest, CountsItsProgressToTheEnd) {
  const MadeSource source(config_);
  std::vector<uint64_t> heard;
  uint64_t total = 0;
  ASSERT_TRUE(Convert(source, {directory_.path(), DType::kQ4, 1},
                      [&](uint64_t bytes, uint64_t total_bytes) {
                        heard.push_back(bytes);
                        total = total_bytes;
                      })
                  .ok());
  ASSERT_GT(heard.size(), 1U);
  EXPECT_EQ(heard.front(), 0U);
  EXPECT_TRUE(std::is_sorted(heard.begin(), heard.end()));
  EXPECT_EQ(heard.back(), total);
}

TEST_F(ConversionTest, SaysWhenTheDirectoryCannotBeMade) {
  const MadeSource source(config_);
  EXPECT_EQ(ConvertTo("/proc/windrose", source).code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace windrose::cli
