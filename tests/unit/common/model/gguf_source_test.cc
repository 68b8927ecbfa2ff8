#include "common/model/gguf_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/model/gguf_blocks.h"
#include "common/model/tensor_names.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"
#include "tests/unit/common/model/gguf_file.h"

namespace windrose {
namespace {

using testing::HasSubstr;

// The tiny Mixtral as GGUF files; every number of it tells where it is from.
class TinyGguf {
 public:
  explicit TinyGguf(MixtralConfig config = TinyMixtralConfig()) : config_(std::move(config)) {
    for (const TensorSpec& spec : TensorsOf(config_)) {
      numbers_.emplace(spec.name, static_cast<float>(numbers_.size()));
    }
    AddConfigKeys(config_, &file);
  }

  // Number (row, column) of a tensor as Hugging Face has it; exact in f32.
  float At(const std::string& name, size_t row, size_t column) const {
    return (numbers_.at(name) * 128 + static_cast<float>(row)) * 64 + static_cast<float>(column);
  }

  void AddAll(bool merged_experts) {
    Add("token_embd", kEmbeddingTensor, config_.vocabulary, config_.hidden);
    for (LayerIndex layer{0}; layer.value() < config_.layers; ++layer) {
      AddLayer(layer);
      AddExperts(layer, merged_experts);
    }
    AddNorm("output_norm", kFinalNormTensor);
    if (!config_.tied_embeddings) {
      Add("output", kHeadTensor, config_.vocabulary, config_.hidden);
    }
  }

  GgufFile file;

 private:
  std::vector<float> Values(const std::string& name, size_t rows, size_t columns) const {
    std::vector<float> values;
    for (size_t row = 0; row < rows; ++row) {
      for (size_t column = 0; column < columns; ++column) {
        values.push_back(At(name, row, column));
      }
    }
    return values;
  }

  void Add(const std::string& gguf_name, const std::string& name, size_t rows, size_t columns) {
    file.AddFloats(gguf_name + ".weight", {columns, rows}, Values(name, rows, columns));
  }

  void AddNorm(const std::string& gguf_name, const std::string& name) {
    file.AddFloats(gguf_name + ".weight", {config_.hidden}, Values(name, 1, config_.hidden));
  }

  // Row g of a head in the file is row g / 2 of the head's first half, or of its second.
  void AddInterleaved(const std::string& gguf_name, const std::string& name, size_t heads) {
    std::vector<float> values;
    for (size_t row = 0; row < heads * config_.head_dim; ++row) {
      const size_t in_head = row % config_.head_dim;
      const size_t from = row - in_head + in_head / 2 + in_head % 2 * (config_.head_dim / 2);
      for (size_t column = 0; column < config_.hidden; ++column) {
        values.push_back(At(name, from, column));
      }
    }
    file.AddFloats(gguf_name + ".weight", {config_.hidden, heads * config_.head_dim}, values);
  }

  void AddLayer(LayerIndex layer) {
    const std::string block = "blk." + std::to_string(layer.value()) + ".";
    const size_t hidden = config_.hidden;
    const size_t query = size_t{config_.heads} * config_.head_dim;
    const size_t key = size_t{config_.kv_heads} * config_.head_dim;
    AddNorm(block + "attn_norm", LayerTensorName(layer, "input_layernorm"));
    AddInterleaved(block + "attn_q", LayerTensorName(layer, "self_attn.q_proj"), config_.heads);
    AddInterleaved(block + "attn_k", LayerTensorName(layer, "self_attn.k_proj"), config_.kv_heads);
    Add(block + "attn_v", LayerTensorName(layer, "self_attn.v_proj"), key, hidden);
    Add(block + "attn_output", LayerTensorName(layer, "self_attn.o_proj"), hidden, query);
    AddNorm(block + "ffn_norm", LayerTensorName(layer, "post_attention_layernorm"));
    Add(block + "ffn_gate_inp", LayerTensorName(layer, "block_sparse_moe.gate"), config_.experts,
        hidden);
  }

  void AddExperts(LayerIndex layer, bool merged) {
    AddExpertMatrix(layer, merged, "w1", "ffn_gate");
    AddExpertMatrix(layer, merged, "w2", "ffn_down");
    AddExpertMatrix(layer, merged, "w3", "ffn_up");
  }

  void AddExpertMatrix(LayerIndex layer, bool merged, const std::string& matrix,
                       const std::string& part) {
    const std::string prefix = "blk." + std::to_string(layer.value()) + "." + part;
    const size_t rows = matrix == "w2" ? config_.hidden : config_.expert_width;
    const size_t columns = matrix == "w2" ? config_.expert_width : config_.hidden;
    std::vector<float> all;
    for (ExpertId expert{0}; expert.value() < config_.experts; ++expert) {
      const std::string name = ExpertTensorName(layer, expert, matrix);
      if (!merged) Add(prefix + "." + std::to_string(expert.value()), name, rows, columns);
      const std::vector<float> values = Values(name, rows, columns);
      all.insert(all.end(), values.begin(), values.end());
    }
    if (merged) file.AddFloats(prefix + "_exps.weight", {columns, rows, config_.experts}, all);
  }

  MixtralConfig config_;
  std::map<std::string, float> numbers_;
};

StatusOr<GgufSource> OpenBytes(const std::string& bytes) {
  const TemporaryDirectory directory;
  WriteFile(directory.file("model.gguf"), bytes);
  return GgufSource::Open(directory.file("model.gguf"));
}

void ExpectAllRows(const GgufSource& source, const TinyGguf& tiny) {
  for (const TensorSpec& spec : TensorsOf(source.config())) {
    const auto shape = source.Shape(spec.name);
    ASSERT_TRUE(shape.ok()) << ToString(shape.status());
    ASSERT_EQ(*shape, spec.shape) << spec.name;
    std::vector<float> values(spec.shape.back());
    for (size_t row = 0; row < (spec.shape.size() == 2 ? spec.shape[0] : 1); ++row) {
      ASSERT_TRUE(source.ReadRow(spec.name, row, values).ok()) << spec.name;
      for (size_t column = 0; column < values.size(); ++column) {
        ASSERT_EQ(values[column], tiny.At(spec.name, row, column))
            << spec.name << " row " << row << " column " << column;
      }
    }
  }
}

TEST(GgufSource, GivesTheRowsThatHuggingFaceHas) {
  for (const bool merged_experts : {false, true}) {
    TinyGguf tiny;
    tiny.AddAll(merged_experts);
    const auto source = OpenBytes(tiny.file.Bytes());
    ASSERT_TRUE(source.ok()) << ToString(source.status());
    EXPECT_EQ(source->config(), TinyMixtralConfig());
    ExpectAllRows(*source, tiny);
  }
}

TEST(GgufSource, TiesTheHeadWhenTheFileHasNone) {
  MixtralConfig config = TinyMixtralConfig();
  config.tied_embeddings = true;
  TinyGguf tiny(config);
  tiny.AddAll(true);
  const auto source = OpenBytes(tiny.file.Bytes());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  EXPECT_TRUE(source->config().tied_embeddings);
  EXPECT_EQ(source->Shape(kHeadTensor).status().code(), StatusCode::kNotFound);
  ExpectAllRows(*source, tiny);
}

// The tensors of `whole` in turn over three files, as gguf-split writes them.
void WriteSplit(const GgufFile& whole, const TemporaryDirectory& directory) {
  std::vector<GgufFile> files(3);
  files[0].keys = whole.keys;
  for (size_t i = 0; i < whole.tensors.size(); ++i) {
    const GgufFile::Tensor& tensor = whole.tensors[i];
    files[i % 3].AddTensor(tensor.name, tensor.sizes, GgufTensorType{tensor.type}, whole.DataOf(i));
  }
  for (uint32_t number = 0; number < 3; ++number) {
    files[number].AddU32("split.no", number);
    files[number].AddU32("split.count", 3);
    files[number].AddU32("split.tensors.count", static_cast<uint32_t>(whole.tensors.size()));
    WriteFile(directory.file("m-0000" + std::to_string(number + 1) + "-of-00003.gguf"),
              files[number].Bytes());
  }
}

TEST(GgufSource, ReadsASplit) {
  TinyGguf tiny;
  tiny.AddAll(true);
  const TemporaryDirectory directory;
  WriteSplit(tiny.file, directory);
  const auto source = GgufSource::Open(directory.file("m-00001-of-00003.gguf"));
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  EXPECT_EQ(source->FileNames().size(), 3U);
  EXPECT_EQ(source->FileNames().back(), "m-00003-of-00003.gguf");
  ExpectAllRows(*source, tiny);
}

// tools/golden/make_gguf_goldens.py says what the numbers are.
float GoldenAt(const TensorSpec& spec, size_t row, size_t column) {
  const float r = static_cast<float>(row);
  const float c = static_cast<float>(column);
  if (!spec.of_expert) return r + c / 64;
  const size_t digit = spec.name.find("experts.") + std::string("experts.").size();
  return static_cast<float>(spec.name[digit] - '0') + r / 64 + c / 8192;
}

TEST(GgufSource, ReadsWhatThePublishedWriterWrites) {
  const auto source = GgufSource::Open(std::string(WINDROSE_SOURCE_DIR) +
                                       "/tests/unit/common/model/data/tiny_mixtral.gguf");
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  EXPECT_EQ(source->config().experts, 3U);
  EXPECT_EQ(source->config().rope_theta, 1e6);
  EXPECT_EQ(*source->FormatName(ExpertTensorName(LayerIndex{0}, ExpertId{2}, "w2")), "Q8_0");
  EXPECT_EQ(source->config().dtype, DType::kBf16);
  EXPECT_TRUE(source->TokenizerModel().ok());
  for (const TensorSpec& spec : TensorsOf(source->config())) {
    // Half a step of Q8_0, and the rounding of its scale; all else is exact.
    const float error = spec.of_expert ? 4.2F / 127 / 2 : 0;
    std::vector<float> values(spec.shape.back());
    for (size_t row = 0; row < (spec.shape.size() == 2 ? spec.shape[0] : 1); ++row) {
      ASSERT_TRUE(source->ReadRow(spec.name, row, values).ok()) << spec.name;
      for (size_t column = 0; column < values.size(); ++column) {
        ASSERT_NEAR(values[column], GoldenAt(spec, row, column), error)
            << spec.name << " row " << row << " column " << column;
      }
    }
  }
}

// `file` with tensor `name` in Q4_K: all bytes of row r of 256 numbers are r.
GgufFile WithQ4K(const GgufFile& file, const std::string& name) {
  GgufFile changed = file;
  changed.tensors.clear();
  changed.data.clear();
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    const GgufFile::Tensor& tensor = file.tensors[i];
    if (tensor.name != name) {
      changed.AddTensor(tensor.name, tensor.sizes, GgufTensorType{tensor.type}, file.DataOf(i));
      continue;
    }
    std::string rows;
    for (size_t row = 0; row < tensor.sizes[1]; ++row) {
      rows += std::string(144, static_cast<char>(row));
    }
    changed.AddTensor(tensor.name, tensor.sizes, GgufTensorType::kQ4K, rows);
  }
  return changed;
}

TEST(GgufSource, DecodesTheBlocksOfTheRowThatIsAskedFor) {
  MixtralConfig config = TinyMixtralConfig();
  config.hidden = 256;
  config.head_dim = 64;
  TinyGguf tiny(config);
  tiny.AddAll(true);
  const auto source = OpenBytes(WithQ4K(tiny.file, "blk.0.attn_q.weight").Bytes());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  // Row 1 of the second half of head 1 is row 3 of that head in the file.
  std::vector<float> row(256), wanted(256);
  const std::string query = LayerTensorName(LayerIndex{0}, "self_attn.q_proj");
  ASSERT_TRUE(source->ReadRow(query, 64 + 32 + 1, row).ok());
  DecodeQ4K(std::vector<std::byte>(144, std::byte{64 + 3}), wanted);
  EXPECT_EQ(row, wanted);
  EXPECT_EQ(*source->FormatName(query), "Q4_K");
}

TEST(GgufSource, RefusesRowsThatAreNotThere) {
  TinyGguf tiny;
  tiny.AddAll(true);
  const auto source = OpenBytes(tiny.file.Bytes());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  std::vector<float> row(40);
  EXPECT_EQ(source->ReadRow("model.nothing", 0, row).code(), StatusCode::kNotFound);
  EXPECT_EQ(source->ReadRow(kEmbeddingTensor, 97, row).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(source->ReadRow(kFinalNormTensor, 1, row).code(), StatusCode::kInvalidArgument);
  row.resize(39);
  EXPECT_EQ(source->ReadRow(kEmbeddingTensor, 0, row).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(source->TokenizerModel().status().code(), StatusCode::kNotFound);
}

TEST(GgufSource, ReadsTheChatTemplate) {
  TinyGguf tiny;
  tiny.AddAll(true);
  const std::string without = tiny.file.Bytes();
  EXPECT_EQ(OpenBytes(without)->ChatTemplate().status().code(), StatusCode::kNotFound);
  tiny.file.AddText("tokenizer.chat_template", "");
  EXPECT_EQ(OpenBytes(tiny.file.Bytes())->ChatTemplate().status().code(), StatusCode::kNotFound);
  tiny.file.Remove("tokenizer.chat_template");
  tiny.file.AddText("tokenizer.chat_template", "{{ bos_token }}");
  const auto source = OpenBytes(tiny.file.Bytes());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  EXPECT_EQ(source->ChatTemplate()->text, "{{ bos_token }}");
  EXPECT_EQ(source->ChatTemplate()->file, source->FileNames().front());
}

TEST(GgufSource, AChatTemplateOfAnotherTypeIsNotMissing) {
  TinyGguf tiny;
  tiny.AddAll(true);
  tiny.file.AddU32("tokenizer.chat_template", 7);
  const auto source = OpenBytes(tiny.file.Bytes());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  EXPECT_EQ(source->ChatTemplate().status().code(), StatusCode::kInvalidArgument);
}

TEST(GgufSource, SaysWhenAFileShrankMeanwhile) {
  TinyGguf tiny;
  tiny.AddAll(true);
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  WriteFile(path, tiny.file.Bytes());
  const auto source = GgufSource::Open(path);
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  std::filesystem::resize_file(path, 4096);
  std::vector<float> row(40);
  const Status status = source->ReadRow(kHeadTensor, 96, row);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(Message(status), HasSubstr("model.gguf: tensor lm_head.weight"));
}

TEST(GgufSource, AdviceChangesNothing) {
  TinyGguf tiny;
  tiny.AddAll(true);
  const auto source = OpenBytes(tiny.file.Bytes());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  for (const TensorSpec& spec : TensorsOf(source->config())) {
    source->WillRead(spec.name);
    source->WasRead(spec.name);
  }
  source->WillRead("model.nothing");
  source->WasRead("model.nothing");
  ExpectAllRows(*source, tiny);
}

void ExpectRefused(const std::string& why, bool merged_experts,
                   const std::function<void(GgufFile&)>& spoil) {
  TinyGguf tiny;
  tiny.AddAll(merged_experts);
  spoil(tiny.file);
  const auto source = OpenBytes(tiny.file.Bytes());
  ASSERT_FALSE(source.ok()) << why;
  EXPECT_THAT(Message(source.status()), HasSubstr("model.gguf: "));
  EXPECT_THAT(Message(source.status()), HasSubstr(why));
}

GgufFile::Tensor& TensorOf(GgufFile& file, const std::string& name) {
  return *std::find_if(file.tensors.begin(), file.tensors.end(),
                       [&](const GgufFile::Tensor& tensor) { return tensor.name == name; });
}

TEST(GgufSource, RefusesTensorsThatAreMissingOrTooMany) {
  ExpectRefused("no file has tensor blk.1.ffn_up.7.weight", false, [](GgufFile& file) {
    TensorOf(file, "blk.1.ffn_up.7.weight").name = "blk.1.ffn_up.8.weight";
  });
  ExpectRefused("no file has tensor token_embd.weight", true,
                [](GgufFile& file) { TensorOf(file, "token_embd.weight").name = "x"; });
  ExpectRefused("tensor \"rope_freqs.weight\" is not part of a Mixtral", true, [](GgufFile& file) {
    file.AddFloats("rope_freqs.weight", {1}, std::vector<float>(1));
  });
  ExpectRefused("tensor \"blk.0.ffn_up.0.weight\" is not part of a Mixtral", true,
                [](GgufFile& file) {
                  file.AddFloats("blk.0.ffn_up.0.weight", {40, 52}, std::vector<float>(40 * 52));
                });
}

TEST(GgufSource, RefusesShapesThatTheKeysDoNotWant) {
  ExpectRefused("model.layers.1.self_attn.v_proj.weight: the keys want shape [20, 40]", true,
                [](GgufFile& file) {
                  TensorOf(file, "blk.1.attn_v.weight").sizes = {20, 40};
                });
  ExpectRefused("model.norm.weight: the keys want shape [40], the file has [1, 40]", true,
                [](GgufFile& file) {
                  TensorOf(file, "output_norm.weight").sizes = {40, 1};
                });
  ExpectRefused("blk.0.ffn_down_exps.weight: wanted one matrix for each of 8 experts", true,
                [](GgufFile& file) {
                  TensorOf(file, "blk.0.ffn_down_exps.weight").sizes = {52, 20, 16};
                });
  ExpectRefused("blk.0.ffn_down_exps.weight: wanted one matrix for each of 8 experts", true,
                [](GgufFile& file) {
                  TensorOf(file, "blk.0.ffn_down_exps.weight").sizes = {52, 320};
                });
  ExpectRefused("experts.0.w2.weight: the keys want shape [40, 52], the file has [52, 40]", true,
                [](GgufFile& file) {
                  TensorOf(file, "blk.0.ffn_down_exps.weight").sizes = {40, 52, 8};
                });
}

TEST(GgufSource, RefusesFormatsThatAreNotDecoded) {
  ExpectRefused("wanted F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K or Q6_K, the file has I32", true,
                [](GgufFile& file) { TensorOf(file, "blk.1.attn_v.weight").type = 26; });
}

TEST(GgufSource, RefusesOtherModels) {
  ExpectRefused("general.architecture", true, [](GgufFile& file) {
    file.at("general.architecture").value = EncodedText("qwen2moe");
  });
  ExpectRefused("magic", true, [](GgufFile& file) { file.magic = "PK\3\4"; });
}

}  // namespace
}  // namespace windrose
