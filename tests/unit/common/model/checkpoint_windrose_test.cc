// Checkpoint, when the directory is one of ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/model/checkpoint.h"
#include "common/model/safetensors_writer.h"
#include "common/tensor/packed_layout.h"
#include "tests/support/tiny_mixtral.h"
#include "tests/unit/common/model/written_checkpoint.h"

namespace windrose {
namespace {

using testing::HasSubstr;

const std::vector<ExpertId> kThree = {ExpertId{3}};
const std::string kMatrixOfThree = ExpertTensorName(LayerIndex{1}, ExpertId{3}, "w2");

Status Verify(const WeightStorage& storage) {
  const std::atomic<bool> never_stop{false};
  std::atomic<uint64_t> bytes_read{0};
  return storage.Read(WeightStorage::Compare::kHashes, never_stop, bytes_read);
}

// Turns one bit of the last byte of `path` over.
void FlipLastBit(const std::string& path) {
  std::string text = ReadText(path);
  text.back() = static_cast<char>(text.back() ^ 1);
  WriteText(path, text);
}

TEST(CheckpointWindrose, GivesPackedMatricesTheirLogicalShape) {
  const WrittenCheckpoint written;
  const auto checkpoint = Checkpoint::Open(written.directory());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_EQ(checkpoint->config(), written.config());
  EXPECT_EQ(checkpoint->format(), DType::kQ4);
  const auto experts = checkpoint->Experts(kThree);
  ASSERT_TRUE(experts.ok()) << ToString(experts.status());
  const WeightView& w2 = experts->Find(LayerIndex{1}, ExpertId{3})->w2;
  EXPECT_EQ(w2.dtype, DType::kQ4);
  EXPECT_EQ(w2.rows, 40U);
  EXPECT_EQ(w2.cols, 52U);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(w2.data) % kPackedAlignment, 0U);
}

TEST(CheckpointWindrose, LeavesNormsGatesAndTheEmbeddingAsTheyWere) {
  const WrittenCheckpoint written;
  const auto checkpoint = Checkpoint::Open(written.directory());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  const auto weights = checkpoint->Coordinator();
  ASSERT_TRUE(weights.ok()) << ToString(weights.status());
  EXPECT_EQ(weights->embedding.dtype, DType::kBf16);
  EXPECT_EQ(weights->layers[0].input_norm.dtype, DType::kBf16);
  EXPECT_EQ(weights->layers[0].gate.dtype, DType::kBf16);
  EXPECT_EQ(weights->layers[0].key.dtype, DType::kQ4);
  EXPECT_EQ(weights->head.dtype, DType::kQ8);
  EXPECT_EQ(checkpoint->FormatOf("lm_head.weight"), DType::kQ8);
}

TEST(CheckpointWindrose, NeedsOnlyTheFilesOfWhatIsAskedFor) {
  const WrittenCheckpoint written;
  for (const auto& entry : std::filesystem::directory_iterator(written.directory())) {
    const std::string name = entry.path().filename().string();
    if (name == kConfigFile || name == kManifestFile || name == "expert-03.safetensors") continue;
    std::filesystem::remove(entry.path());
  }
  const auto checkpoint = Checkpoint::Open(written.directory());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_TRUE(checkpoint->Experts(kThree).ok());
  const std::vector<ExpertId> four = {ExpertId{4}};
  const Status missing = checkpoint->Experts(four).status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_THAT(Message(missing), HasSubstr("expert-04.safetensors"));
  EXPECT_EQ(checkpoint->Coordinator().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(checkpoint->All().status().code(), StatusCode::kNotFound);
}

TEST(CheckpointWindrose, AllGivesEveryTensor) {
  const WrittenCheckpoint written;
  const auto all = Checkpoint::Open(written.directory())->All();
  ASSERT_TRUE(all.ok()) << ToString(all.status());
  EXPECT_EQ(all->views.size(), TensorsOf(written.config()).size());
}

TEST(CheckpointWindrose, RefusesAnUnfinishedConversion) {
  const WrittenCheckpoint written;
  std::filesystem::rename(written.path(kManifestFile), written.path(kUnfinishedManifestFile));
  const auto checkpoint = Checkpoint::Open(written.directory());
  EXPECT_EQ(checkpoint.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(checkpoint.status()), HasSubstr("unfinished"));
}

TEST(CheckpointWindrose, GivesItsOwnTokenizerOnly) {
  const WrittenCheckpoint written;
  const auto checkpoint = Checkpoint::Open(written.directory());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_EQ(*checkpoint->Tokenizer(), "pieces");
  WriteText(written.path(kTokenizerFile), "other pieces");
  EXPECT_EQ(checkpoint->Tokenizer().status().code(), StatusCode::kDataLoss);
  std::filesystem::remove(written.path(kTokenizerFile));
  EXPECT_EQ(checkpoint->Tokenizer().status().code(), StatusCode::kDataLoss);
}

TEST(CheckpointWindrose, TakesAnyTokenizerWhenItWasWrittenWithout) {
  WrittenCheckpoint written;
  written.manifest().tokenizer_hash.reset();
  written.WriteManifest();
  const auto checkpoint = Checkpoint::Open(written.directory());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_EQ(*checkpoint->Tokenizer(), "pieces");
  std::filesystem::remove(written.path(kTokenizerFile));
  EXPECT_EQ(checkpoint->Tokenizer().status().code(), StatusCode::kNotFound);
}

TEST(CheckpointWindrose, RefusesAnotherConfig) {
  const WrittenCheckpoint written;
  MixtralConfig other = written.config();
  other.rope_theta = 2e4;
  WriteText(written.path(kConfigFile), ToConfigJson(other));
  const Status refused = Checkpoint::Open(written.directory()).status();
  EXPECT_EQ(refused.code(), StatusCode::kDataLoss);
  EXPECT_THAT(Message(refused), HasSubstr("config.json"));
}

TEST(CheckpointWindrose, RefusesManifestsThatDoNotFitTheConfig) {
  const std::function<void(WrittenCheckpoint&)> changes[] = {
      [](WrittenCheckpoint& written) { written.manifest().files.pop_back(); },
      [](WrittenCheckpoint& written) {
        written.tensor(kMatrixOfThree).shape = {52, 40};
      },
      [](WrittenCheckpoint& written) { written.tensor(kMatrixOfThree).name += "s"; },
      [](WrittenCheckpoint& written) { written.file("expert-03.safetensors").tensors.pop_back(); }};
  for (const auto& change : changes) {
    WrittenCheckpoint written;
    change(written);
    written.WriteManifest();
    EXPECT_FALSE(Checkpoint::Open(written.directory()).ok());
  }
}

// The manifest says one thing, the file another: found when the file is opened.
// Rows are prepared once for all matrices they are multiplied with.
TEST(CheckpointWindrose, RefusesFormatsThatDoNotGoTogether) {
  const struct {
    const char* file;
    const char* tensor;
    DType format;
  } changes[] = {
      {"coordinator.safetensors", "model.layers.0.self_attn.k_proj.weight", DType::kBf16},
      {"expert-02.safetensors", "model.layers.1.block_sparse_moe.experts.2.w3.weight",
       DType::kBf16},
      {"coordinator.safetensors", "model.layers.1.block_sparse_moe.gate.weight", DType::kQ8}};
  for (const auto& [file, tensor, format] : changes) {
    WrittenCheckpoint written;
    written.tensor(tensor).format = format;
    written.file(file).bytes += 1 << 20;  // enough for any format
    written.WriteManifest();
    const Status refused = Checkpoint::Open(written.directory()).status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << tensor;
    EXPECT_THAT(Message(refused), HasSubstr(tensor));
  }
}

TEST(CheckpointWindrose, RefusesFilesThatAreNotAsTheManifestSays) {
  const std::function<void(WrittenCheckpoint&)> changes[] = {
      [](WrittenCheckpoint& written) { written.file("expert-03.safetensors").bytes += 64; },
      [](WrittenCheckpoint& written) { written.tensor(kMatrixOfThree).format = DType::kQ4; },
      [](WrittenCheckpoint& written) {
        std::swap(written.file("expert-03.safetensors").tensors,
                  written.file("expert-04.safetensors").tensors);
      },
      [](WrittenCheckpoint& written) {
        ManifestFile& three = written.file("expert-03.safetensors");
        written.file("expert-04.safetensors").tensors.push_back(three.tensors.back());
        written.file("expert-04.safetensors").bytes *= 2;
        three.tensors.pop_back();
      },
      [](WrittenCheckpoint& written) {
        const std::string path = written.path("expert-03.safetensors");
        std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
      },
      [](WrittenCheckpoint& written) {
        std::filesystem::copy_file(written.path("expert-04.safetensors"),
                                   written.path("expert-03.safetensors"),
                                   std::filesystem::copy_options::overwrite_existing);
      }};
  for (const auto& change : changes) {
    WrittenCheckpoint written(DType::kQ8);
    change(written);
    written.WriteManifest();
    const auto checkpoint = Checkpoint::Open(written.directory());
    ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
    const Status refused = checkpoint->Experts(kThree).status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << ToString(refused);
    EXPECT_THAT(Message(refused), HasSubstr(".safetensors: "));
  }
}

TEST(CheckpointWindrose, RefusesPackedTensorsThatAreNotAligned) {
  WrittenCheckpoint written;
  ManifestFile& file = written.file("expert-03.safetensors");
  std::vector<TensorToWrite> header;
  for (const ManifestTensor& tensor : file.tensors) {
    header.push_back({tensor.name, tensor.format, tensor.shape});
  }
  // A plain tensor of an odd size in front moves all others.
  const std::string norm = "model.norm.weight";
  header.insert(header.begin(), {norm, DType::kBf16, {40}});
  auto writer = SafetensorsWriter::Create(written.path(file.name), header);
  for (const TensorToWrite& tensor : header) {
    ASSERT_TRUE(
        writer->Append(std::vector<std::byte>(StoredBytes(tensor.shape, tensor.dtype))).ok());
  }
  ASSERT_TRUE(writer->Finish().ok());
  file.bytes = std::filesystem::file_size(written.path(file.name));
  file.tensors.push_back(written.tensor(norm));
  std::erase_if(written.file(kCoordinatorFile).tensors,
                [&norm](const ManifestTensor& tensor) { return tensor.name == norm; });
  written.WriteManifest();
  const auto checkpoint = Checkpoint::Open(written.directory());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_THAT(Message(checkpoint->Experts(kThree).status()), HasSubstr("multiple of 64"));
}

TEST(CheckpointWindrose, HashCoversEveryTensorAndItsFormat) {
  const std::string original =
      Checkpoint::Open(WrittenCheckpoint(DType::kQ8).directory())->model_hash();
  EXPECT_EQ(Checkpoint::Open(WrittenCheckpoint(DType::kQ8).directory())->model_hash(), original);
  EXPECT_NE(Checkpoint::Open(WrittenCheckpoint(DType::kQ4).directory())->model_hash(), original);
  const std::function<void(WrittenCheckpoint&)> changes[] = {
      [](WrittenCheckpoint& written) { written.tensor(kMatrixOfThree).hash.low ^= 1; },
      [](WrittenCheckpoint& written) { written.tensor(kMatrixOfThree).format = DType::kQ4; },
      [](WrittenCheckpoint& written) { written.tensor("model.norm.weight").hash.high ^= 1; }};
  for (const auto& change : changes) {
    WrittenCheckpoint written(DType::kQ8);
    change(written);
    written.WriteManifest();
    const auto checkpoint = Checkpoint::Open(written.directory());
    ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
    EXPECT_NE(checkpoint->model_hash(), original);
  }
}

TEST(CheckpointWindrose, HashDoesNotDependOnWhichFileHoldsATensor) {
  WrittenCheckpoint written;
  const std::string original = Checkpoint::Open(written.directory())->model_hash();
  ManifestFile& three = written.file("expert-03.safetensors");
  ManifestFile& four = written.file("expert-04.safetensors");
  four.tensors.push_back(three.tensors.back());
  four.bytes *= 2;
  three.tensors.pop_back();
  written.WriteManifest();
  EXPECT_EQ(Checkpoint::Open(written.directory())->model_hash(), original);
}

TEST(CheckpointWindrose, VerifyingFindsAFlippedBitAndNamesIt) {
  const WrittenCheckpoint written;
  const auto intact = Checkpoint::Open(written.directory())->Experts(kThree);
  ASSERT_TRUE(intact.ok());
  EXPECT_TRUE(Verify(*intact->storage()).ok());
  FlipLastBit(written.path("expert-03.safetensors"));
  const auto checkpoint = Checkpoint::Open(written.directory());
  const auto experts = checkpoint->Experts(kThree);
  ASSERT_TRUE(experts.ok()) << ToString(experts.status());
  const Status found = Verify(*experts->storage());
  EXPECT_EQ(found.code(), StatusCode::kDataLoss);
  EXPECT_THAT(Message(found), HasSubstr("expert-03.safetensors"));
  EXPECT_THAT(Message(found), HasSubstr(ExpertTensorName(LayerIndex{1}, ExpertId{3}, "w3")));
  EXPECT_TRUE(Verify(*checkpoint->Coordinator()->storage).ok());
}

}  // namespace
}  // namespace windrose
