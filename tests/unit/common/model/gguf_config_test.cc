#include "common/model/gguf_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "tests/support/tiny_mixtral.h"
#include "tests/unit/common/model/gguf_file.h"

namespace windrose {
namespace {

using testing::HasSubstr;

StatusOr<MixtralConfig> Read(const GgufFile& file) {
  const std::string bytes = file.Bytes();
  const auto all = std::as_bytes(std::span(bytes));
  ASSIGN_OR_RETURN(const GgufHeader header, ParseGgufHeader(all, all.size()));
  return ReadGgufConfig(GgufMetadata(header.values, all));
}

// The keys of the tiny Mixtral, changed.
StatusOr<MixtralConfig> Changed(const std::function<void(GgufFile&)>& change) {
  GgufFile file;
  AddConfigKeys(TinyMixtralConfig(), &file);
  change(file);
  return Read(file);
}

void Nothing(GgufFile& /*file*/) {}

// GGUF's keys say nothing of the two defaults.
MixtralConfig Wanted() {
  MixtralConfig config = TinyMixtralConfig();
  config.dtype = DType::kBf16;
  return config;
}

void ExpectRefused(const std::string& why, const std::function<void(GgufFile&)>& change) {
  const auto config = Changed(change);
  ASSERT_FALSE(config.ok()) << why;
  EXPECT_THAT(Message(config.status()), HasSubstr(why));
}

TEST(GgufConfig, ReadsWhatTheKeysSay) {
  const auto config = Changed(Nothing);
  ASSERT_TRUE(config.ok()) << ToString(config.status());
  EXPECT_EQ(*config, Wanted());
}

TEST(GgufConfig, ReadsTheKeysOfMixtral8x7b) {
  MixtralConfig mixtral;
  mixtral.vocabulary = 32'000;
  mixtral.hidden = 4096;
  mixtral.layers = 32;
  mixtral.heads = 32;
  mixtral.kv_heads = 8;
  mixtral.head_dim = 128;
  mixtral.experts = 8;
  mixtral.top_k = 2;
  mixtral.expert_width = 14'336;
  mixtral.positions = 32'768;
  GgufFile file;
  AddConfigKeys(mixtral, &file);
  file.AddU32("general.file_type", 15);
  file.AddU32("general.quantization_version", 2);
  file.AddU32("tokenizer.ggml.bos_token_id", 1);
  file.AddU32("tokenizer.ggml.eos_token_id", 2);
  const auto config = Read(file);
  ASSERT_TRUE(config.ok()) << ToString(config.status());
  EXPECT_EQ(*config, mixtral);
}

TEST(GgufConfig, FallsBackToWhatTheFormatSays) {
  const auto config = Changed([](GgufFile& file) {
    file.Remove("llama.rope.freq_base");
    file.Remove("llama.rope.dimension_count");
    file.Remove("llama.attention.head_count_kv");
    file.Remove("llama.vocab_size");
    file.AddArray("tokenizer.ggml.tokens", GgufValueType::kString,
                  {EncodedText("a"), EncodedText("b"), EncodedText("c")});
  });
  ASSERT_TRUE(config.ok()) << ToString(config.status());
  EXPECT_EQ(config->rope_theta, 1e4);
  EXPECT_EQ(config->head_dim, 10U);
  EXPECT_EQ(config->kv_heads, 4U);
  EXPECT_EQ(config->vocabulary, 3U);
}

TEST(GgufConfig, ReadsHeadsThatAreNoShareOfTheWidth) {
  const auto config = Changed([](GgufFile& file) {
    file.AddU32("llama.attention.key_length", 16);
    file.AddU32("llama.attention.value_length", 16);
    file.at("llama.rope.dimension_count").value = Encoded(16U);
  });
  ASSERT_TRUE(config.ok()) << ToString(config.status());
  EXPECT_EQ(config->head_dim, 16U);
}

TEST(GgufConfig, RefusesWhatIsNotAMixtral) {
  ExpectRefused("a Mixtral has \"llama\", the file has \"qwen2moe\"", [](GgufFile& file) {
    file.at("general.architecture").value = EncodedText("qwen2moe");
  });
  ExpectRefused("general.architecture", [](GgufFile& file) { file.keys.clear(); });
  ExpectRefused("llama.expert_count", [](GgufFile& file) { file.Remove("llama.expert_count"); });
  ExpectRefused("llama.expert_count",
                [](GgufFile& file) { file.at("llama.expert_count").value = Encoded(0U); });
}

TEST(GgufConfig, RefusesKeysThatMightChangeTheArithmetic) {
  for (const char* key :
       {"llama.logit_scale", "llama.attention.clamp_kqv", "llama.expert_weights_scale",
        "llama.rope.scaling.original_context_length", "llama.what.comes.next"}) {
    ExpectRefused(std::string("key \"") + key + "\": unknown",
                  [&](GgufFile& file) { file.AddU32(key, 1); });
  }
}

TEST(GgufConfig, AcceptsThoseThatChangeNothing) {
  const auto config = Changed([](GgufFile& file) {
    file.AddU32("general.quantization_version", 2);
    file.AddU32("llama.attention.sliding_window", 0);
    file.AddU32("llama.expert_shared_count", 0);
    file.AddU32("llama.expert_feed_forward_length", 52);
    file.AddBool("llama.attention.causal", true);
    file.AddText("llama.rope.scaling.type", "none");
    file.AddF32("llama.rope.scaling.factor", 1.0F);
    file.AddF32("llama.rope.scale_linear", 1.0F);
    file.AddText("llama.tensor_data_layout", "Meta AI original pth");
  });
  EXPECT_TRUE(config.ok()) << ToString(config.status());
}

TEST(GgufConfig, RefusesThoseThatChangeSomething) {
  const auto refused = [](const std::string& key, const std::function<void(GgufFile&)>& change) {
    ExpectRefused("key \"" + key + "\"", change);
  };
  refused("general.quantization_version",
          [](GgufFile& file) { file.AddU32("general.quantization_version", 1); });
  refused("llama.attention.sliding_window",
          [](GgufFile& file) { file.AddU32("llama.attention.sliding_window", 4096); });
  refused("llama.expert_feed_forward_length",
          [](GgufFile& file) { file.AddU32("llama.expert_feed_forward_length", 53); });
  refused("llama.attention.causal",
          [](GgufFile& file) { file.AddBool("llama.attention.causal", false); });
  refused("llama.rope.scaling.type",
          [](GgufFile& file) { file.AddText("llama.rope.scaling.type", "yarn"); });
  refused("llama.rope.scaling.factor",
          [](GgufFile& file) { file.AddF32("llama.rope.scaling.factor", 4.0F); });
  refused("llama.rope.dimension_count",
          [](GgufFile& file) { file.at("llama.rope.dimension_count").value = Encoded(6U); });
  refused("llama.attention.value_length",
          [](GgufFile& file) { file.AddU32("llama.attention.value_length", 12); });
  refused("llama.vocab_size", [](GgufFile& file) {
    file.AddArray("tokenizer.ggml.tokens", GgufValueType::kString, {EncodedText("a")});
  });
}

TEST(GgufConfig, RefusesMissingAndImpossibleShapes) {
  for (const char* key :
       {"llama.embedding_length", "llama.block_count", "llama.feed_forward_length",
        "llama.attention.head_count", "llama.expert_used_count", "llama.context_length",
        "llama.vocab_size", "llama.attention.layer_norm_rms_epsilon"}) {
    ExpectRefused(key, [&](GgufFile& file) { file.Remove(key); });
    EXPECT_FALSE(Changed([&](GgufFile& file) { file.at(key).value = Encoded(0U); }).ok()) << key;
    EXPECT_FALSE(Changed([&](GgufFile& file) { file.at(key).value = Encoded(~0U); }).ok()) << key;
  }
  ExpectRefused("llama.attention.head_count",
                [](GgufFile& file) { file.at("llama.attention.head_count").value = Encoded(3U); });
  ExpectRefused("num_key_value_heads", [](GgufFile& file) {
    file.at("llama.attention.head_count_kv").value = Encoded(3U);
  });
  ExpectRefused("num_experts_per_tok",
                [](GgufFile& file) { file.at("llama.expert_used_count").value = Encoded(9U); });
  ExpectRefused("rope_theta",
                [](GgufFile& file) { file.at("llama.rope.freq_base").value = Encoded(-1.0F); });
  ExpectRefused("eos_token_id",
                [](GgufFile& file) { file.AddU32("tokenizer.ggml.eos_token_id", 97); });
}

}  // namespace
}  // namespace windrose
