#include "common/model/checkpoint_layout.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/tiny_mixtral.h"

namespace windrose {
namespace {

DType InBf16(const TensorSpec& /*tensor*/) { return DType::kBf16; }

TEST(CheckpointLayout, NumbersExpertFilesWithTwoDigitsAtLeast) {
  EXPECT_EQ(ExpertFileName(ExpertId{0}), "expert-00.safetensors");
  EXPECT_EQ(ExpertFileName(ExpertId{17}), "expert-17.safetensors");
  EXPECT_EQ(ExpertFileName(ExpertId{255}), "expert-255.safetensors");
}

TEST(CheckpointLayout, WeighsWhatTheFormatsSay) {
  // 4096 x 14336: 4.3125 and 8.25 bits for each weight, and a scale for each row.
  constexpr uint64_t kWeights = uint64_t{4096} * 14336;
  EXPECT_EQ(StoredBytes({4096, 14336}, DType::kBf16), 2 * kWeights);
  EXPECT_EQ(StoredBytes({4096, 14336}, DType::kQ8), kWeights / 32 * 33 + 4096 * 4);
  EXPECT_EQ(StoredBytes({4096, 14336}, DType::kQ4), kWeights / 128 * 69 + 4096 * 4);
  EXPECT_EQ(StoredBytes({4096, 14336}, DType::kPackedBf16), 2 * kWeights);
  EXPECT_EQ(StoredBytes({40}, DType::kF32), 160U);
}

TEST(CheckpointLayout, PacksMatricesAndKeepsWhatIsSmallOrLookedUp) {
  const TensorSpec norm{"model.norm.weight", {40}};
  const TensorSpec gate{"model.layers.0.block_sparse_moe.gate.weight", {8, 40}};
  const TensorSpec embedding{kEmbeddingTensor, {97, 40}};
  const TensorSpec head{kHeadTensor, {97, 40}};
  const TensorSpec query{"model.layers.0.self_attn.q_proj.weight", {40, 40}};
  const struct {
    const TensorSpec& tensor;
    DType bf16;
    DType q8;
    DType q4;
    DType pbf16;
  } cases[] = {{norm, DType::kF32, DType::kF32, DType::kF32, DType::kF32},
               {gate, DType::kF32, DType::kF32, DType::kF32, DType::kF32},
               {embedding, DType::kBf16, DType::kF32, DType::kF32, DType::kF32},
               {head, DType::kBf16, DType::kQ8, DType::kQ8, DType::kPackedBf16},
               {query, DType::kBf16, DType::kQ8, DType::kQ4, DType::kPackedBf16}};
  for (const auto& [tensor, bf16, q8, q4, pbf16] : cases) {
    EXPECT_EQ(StoredFormat(tensor, DType::kBf16, DType::kF32), bf16) << tensor.name;
    EXPECT_EQ(StoredFormat(tensor, DType::kQ8, DType::kF32), q8) << tensor.name;
    EXPECT_EQ(StoredFormat(tensor, DType::kQ4, DType::kF32), q4) << tensor.name;
    EXPECT_EQ(StoredFormat(tensor, DType::kPackedBf16, DType::kF32), pbf16) << tensor.name;
  }
}

TEST(CheckpointLayout, HoldsEveryTensorOnceAndExpertsInFilesOfTheirOwn) {
  const MixtralConfig config = TinyMixtralConfig();
  const auto files = StoredFiles(config, DType::kQ4, InBf16);
  ASSERT_EQ(files.size(), 1U + config.experts);
  EXPECT_EQ(files[0].name, kCoordinatorFile);
  std::set<std::string> names;
  for (size_t file = 0; file < files.size(); ++file) {
    for (const StoredTensor& tensor : files[file].tensors) {
      EXPECT_TRUE(names.insert(tensor.spec.name).second);
      EXPECT_EQ(tensor.spec.of_expert, file > 0);
      const std::string name = file == 0 ? kCoordinatorFile : ExpertFileName(tensor.spec.expert);
      EXPECT_EQ(files[file].name, name);
    }
  }
  EXPECT_EQ(names.size(), TensorsOf(config).size());
}

TEST(CheckpointLayout, PutsTensorsOfOddSizesLast) {
  for (const DType dtype : {DType::kQ8, DType::kPackedBf16}) {
    for (const StoredFile& file : StoredFiles(TinyMixtralConfig(), dtype, InBf16)) {
      uint64_t offset = 0;
      for (const StoredTensor& tensor : file.tensors) {
        EXPECT_TRUE(!IsPacked(tensor.format) || offset % 64 == 0) << tensor.spec.name;
        offset += StoredBytes(tensor.spec.shape, tensor.format);
      }
    }
  }
}

}  // namespace
}  // namespace windrose
