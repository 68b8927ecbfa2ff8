#include "common/model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "common/model/safetensors_writer.h"
#include "common/model/tensor_names.h"
#include "common/tensor/convert.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose {
namespace {

using testing::HasSubstr;

const std::vector<ExpertId> kSomeExperts = {ExpertId{1}, ExpertId{6}};

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Writes model.safetensors with all tensors of `config`, after `change` had its way with the list.
void WriteModel(const TemporaryDirectory& directory, const MixtralConfig& config,
                const std::function<void(std::vector<TensorToWrite>&)>& change) {
  WriteText(directory.file("config.json"), ToConfigJson(config));
  std::vector<TensorToWrite> tensors;
  for (const TensorSpec& spec : TensorsOf(config)) {
    tensors.push_back({spec.name, config.dtype, spec.shape});
  }
  change(tensors);
  auto writer = SafetensorsWriter::Create(directory.file("model.safetensors"), tensors);
  ASSERT_TRUE(writer.ok());
  for (const TensorToWrite& tensor : tensors) {
    size_t bytes = SizeOf(tensor.dtype);
    for (const uint64_t dimension : tensor.shape) bytes *= dimension;
    ASSERT_TRUE(writer->Append(std::vector<std::byte>(bytes)).ok());
  }
  ASSERT_TRUE(writer->Finish().ok());
}

std::vector<float> RowOf(const WeightView& view, size_t row) {
  std::vector<float> values(view.cols);
  ReadWeightRow(view, row, values);
  return values;
}

TEST(Checkpoint, GivesEveryTensorItsShape) {
  const TemporaryDirectory directory;
  const MixtralConfig config = TinyMixtralConfig();
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), config).ok());
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  EXPECT_EQ(checkpoint->config(), config);

  const auto coordinator = checkpoint->Coordinator();
  ASSERT_TRUE(coordinator.ok()) << ToString(coordinator.status());
  EXPECT_EQ(coordinator->embedding.rows, 97U);
  EXPECT_EQ(coordinator->head.cols, 40U);
  ASSERT_EQ(coordinator->layers.size(), 2U);
  EXPECT_EQ(coordinator->layers[1].key.rows, 20U);
  EXPECT_EQ(coordinator->layers[1].attention_output.cols, 40U);
  EXPECT_EQ(coordinator->layers[0].input_norm.rows, 1U);
  EXPECT_EQ(coordinator->layers[0].input_norm.cols, 40U);

  const auto experts = checkpoint->Experts(kSomeExperts);
  ASSERT_TRUE(experts.ok()) << ToString(experts.status());
  const ExpertMatrices* held = experts->Find(LayerIndex{1}, ExpertId{6});
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->w2.rows, 40U);
  EXPECT_EQ(held->w2.cols, 52U);
  EXPECT_EQ(experts->Find(LayerIndex{1}, ExpertId{0}), nullptr);
  EXPECT_EQ(experts->bytes(), 2U * 2U * 3U * 40U * 52U * 4U);
}

TEST(Checkpoint, ShardsHoldTheSameModel) {
  const TemporaryDirectory whole;
  const TemporaryDirectory sharded;
  const MixtralConfig config = TinyMixtralConfig();
  ASSERT_TRUE(WriteTinyMixtral(whole.path(), config).ok());
  ASSERT_TRUE(WriteTinyMixtral(sharded.path(), config, {.seed = 1, .shards = 3}).ok());
  const auto one = Checkpoint::Open(whole.path());
  const auto three = Checkpoint::Open(sharded.path());
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(three.ok()) << ToString(three.status());
  EXPECT_EQ(one->model_hash(), three->model_hash());
  const auto a = one->Experts(kSomeExperts);
  const auto b = three->Experts(kSomeExperts);
  EXPECT_EQ(RowOf(a->Find(LayerIndex{1}, ExpertId{1})->w3, 5),
            RowOf(b->Find(LayerIndex{1}, ExpertId{1})->w3, 5));
}

TEST(Checkpoint, ViewsOutliveTheCheckpoint) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), TinyMixtralConfig()).ok());
  const auto weights = [&] {
    const auto checkpoint = Checkpoint::Open(directory.path());
    return checkpoint->Coordinator();
  }();
  EXPECT_NE(RowOf(weights->embedding, 3)[0], 0.0F);
}

TEST(Checkpoint, TiedHeadIsTheEmbedding) {
  const TemporaryDirectory directory;
  MixtralConfig config = TinyMixtralConfig();
  config.tied_embeddings = true;
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), config).ok());
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
  const auto weights = checkpoint->Coordinator();
  ASSERT_TRUE(weights.ok());
  EXPECT_EQ(weights->head.data, weights->embedding.data);
}

TEST(Checkpoint, HashTellsModelsApart) {
  const auto hash_of = [](const MixtralConfig& config, uint64_t seed) {
    const TemporaryDirectory directory;
    EXPECT_TRUE(WriteTinyMixtral(directory.path(), config, {.seed = seed, .shards = 1}).ok());
    const auto checkpoint = Checkpoint::Open(directory.path());
    EXPECT_EQ(checkpoint->model_hash().size(), 32U);
    EXPECT_EQ(checkpoint->model_hash().substr(0, 16).find_first_not_of("0123456789abcdef"),
              std::string::npos);
    return checkpoint->model_hash();
  };
  const MixtralConfig config = TinyMixtralConfig();
  const std::string original = hash_of(config, 1);
  EXPECT_EQ(hash_of(config, 1), original);
  EXPECT_NE(hash_of(config, 2), original);  // other weights, gates included
  MixtralConfig other = config;
  other.rope_theta = 2e4;
  EXPECT_NE(hash_of(other, 1), original);
  other = config;
  other.dtype = DType::kBf16;
  EXPECT_NE(hash_of(other, 1), original);
}

TEST(Checkpoint, RefusesOtherShapesNamingFileAndTensor) {
  const TemporaryDirectory directory;
  WriteModel(directory, TinyMixtralConfig(), [](std::vector<TensorToWrite>& tensors) {
    for (TensorToWrite& tensor : tensors) {
      if (tensor.name.ends_with("layers.1.block_sparse_moe.experts.3.w2.weight")) {
        std::swap(tensor.shape[0], tensor.shape[1]);  // transposed
      }
    }
  });
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_FALSE(checkpoint.ok());
  EXPECT_THAT(Message(checkpoint.status()), HasSubstr("model.safetensors"));
  EXPECT_THAT(Message(checkpoint.status()),
              HasSubstr("model.layers.1.block_sparse_moe.experts.3.w2.weight"));
  EXPECT_THAT(Message(checkpoint.status()), HasSubstr("[40, 52]"));
  EXPECT_THAT(Message(checkpoint.status()), HasSubstr("[52, 40]"));
}

TEST(Checkpoint, RefusesMissingAndExtraTensors) {
  const TemporaryDirectory directory;
  WriteModel(directory, TinyMixtralConfig(),
             [](std::vector<TensorToWrite>& tensors) { tensors.erase(tensors.begin() + 20); });
  EXPECT_EQ(Checkpoint::Open(directory.path()).status().code(), StatusCode::kNotFound);
  WriteModel(directory, TinyMixtralConfig(), [](std::vector<TensorToWrite>& tensors) {
    tensors.push_back({"model.layers.0.self_attn.q_proj.bias", DType::kF32, {40}});
  });
  const auto extra = Checkpoint::Open(directory.path());
  ASSERT_FALSE(extra.ok());
  EXPECT_THAT(Message(extra.status()), HasSubstr("q_proj.bias"));
}

TEST(Checkpoint, RefusesOtherDtypes) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), TinyMixtralConfig()).ok());
  std::string text = ReadText(directory.file("model.safetensors"));
  const size_t at = text.find("\"F32\"", text.find("lm_head"));
  text.replace(at, 5, "\"I32\"");
  WriteText(directory.file("model.safetensors"), text);
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_FALSE(checkpoint.ok());
  EXPECT_THAT(Message(checkpoint.status()), HasSubstr("lm_head.weight"));
  EXPECT_THAT(Message(checkpoint.status()), HasSubstr("I32"));
}

TEST(Checkpoint, RefusesAnotherModelsConfig) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), TinyMixtralConfig()).ok());
  MixtralConfig seven = TinyMixtralConfig();
  seven.experts = 7;
  WriteText(directory.file("config.json"), ToConfigJson(seven));
  EXPECT_FALSE(Checkpoint::Open(directory.path()).ok());
  WriteText(directory.file("config.json"), "{\"model_type\":\"llama\"}");
  const auto llama = Checkpoint::Open(directory.path());
  ASSERT_FALSE(llama.ok());
  EXPECT_THAT(Message(llama.status()), HasSubstr("config.json"));
}

TEST(Checkpoint, RefusesIndicesThatLie) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(
      WriteTinyMixtral(directory.path(), TinyMixtralConfig(), {.seed = 1, .shards = 2}).ok());
  const std::string index_path = directory.file("model.safetensors.index.json");
  const std::string good = ReadText(index_path);
  const std::string first = "\"lm_head.weight\":\"model-1-of-2.safetensors\"";
  ASSERT_NE(good.find(first), std::string::npos);
  for (const std::string& lie :
       {std::string("\"lm_head.weight\":\"model-2-of-2.safetensors\""),
        std::string("\"lm_head.weight\":\"missing.safetensors\""),
        std::string("\"lm_head.weight\":\"../model-1-of-2.safetensors\""),
        std::string("\"lm_head.weight\":\"/etc/passwd\""),
        std::string("\"lm_head.weight\":\"http://x/model.safetensors\""),
        std::string("\"lm_head.weight\":\"config.json\""), std::string("\"lm_head.weight\":7"),
        std::string("\"other\":\"model-1-of-2.safetensors\""), first + "," + first,
        first + ",\"ghost\":\"model-1-of-2.safetensors\""}) {
    std::string text = good;
    WriteText(index_path, text.replace(text.find(first), first.size(), lie));
    EXPECT_FALSE(Checkpoint::Open(directory.path()).ok()) << lie;
  }
  WriteText(index_path, good);
  EXPECT_TRUE(Checkpoint::Open(directory.path()).ok());
}

TEST(Checkpoint, RefusesShardsBehindLinksAndTensorsInTwoFiles) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(
      WriteTinyMixtral(directory.path(), TinyMixtralConfig(), {.seed = 1, .shards = 2}).ok());
  const std::string shard = directory.file("model-2-of-2.safetensors");
  std::filesystem::rename(shard, directory.file("elsewhere"));
  std::filesystem::create_symlink(directory.file("elsewhere"), shard);
  const auto linked = Checkpoint::Open(directory.path());
  ASSERT_FALSE(linked.ok());
  EXPECT_THAT(Message(linked.status()), HasSubstr("symbolic link"));
  std::filesystem::remove(shard);
  std::filesystem::copy_file(directory.file("model-1-of-2.safetensors"), shard);
  EXPECT_FALSE(Checkpoint::Open(directory.path()).ok());
}

TEST(Checkpoint, RefusesTruncatedAndForeignFiles) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), TinyMixtralConfig()).ok());
  const std::string path = directory.file("model.safetensors");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_FALSE(Checkpoint::Open(directory.path()).ok());
  WriteText(path, std::string("PK\x03\x04") + std::string(100, 'x'));  // a zip, as .pt files are
  EXPECT_FALSE(Checkpoint::Open(directory.path()).ok());
  std::filesystem::remove(path);
  const auto none = Checkpoint::Open(directory.path());
  EXPECT_EQ(none.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(Message(none.status()), HasSubstr(directory.path()));
  EXPECT_FALSE(Checkpoint::Open("/nonexistent").ok());
}

TEST(Checkpoint, RefusesExpertsTheModelDoesNotHave) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), TinyMixtralConfig()).ok());
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok());
  const std::vector<ExpertId> beyond = {ExpertId{8}};
  EXPECT_EQ(checkpoint->Experts(beyond).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace windrose
