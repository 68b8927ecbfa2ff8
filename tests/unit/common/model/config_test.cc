#include "common/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace windrose {
namespace {

using testing::HasSubstr;

// As published with Mixtral-8x7B-v0.1.
constexpr const char* kPublished = R"({
  "architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
  "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
  "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mixtral",
  "num_attention_heads": 32, "num_experts_per_tok": 2, "num_hidden_layers": 32,
  "num_key_value_heads": 8, "num_local_experts": 8, "output_router_logits": false,
  "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02,
  "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
  "transformers_version": "4.36.0.dev0", "use_cache": true, "vocab_size": 32000})";

// As Transformers 5 writes the same model.
constexpr const char* kTransformers5 = R"({
  "architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
  "dtype": "bfloat16", "eos_token_id": [2], "head_dim": 128, "hidden_act": "silu",
  "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 32768,
  "model_type": "mixtral", "num_attention_heads": 32, "num_experts_per_tok": 2,
  "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8, "pad_token_id": null,
  "rms_norm_eps": 1e-05, "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"},
  "sliding_window": null, "tie_word_embeddings": false, "vocab_size": 32000})";

std::string With(const std::string& key, const std::string& value) {
  std::string text = kPublished;
  const std::string quoted = "\"" + key + "\": ";
  const size_t at = text.find(quoted);
  if (at == std::string::npos) return text.insert(1, quoted + value + ",");
  const size_t begin = at + quoted.size();
  size_t end = text.find_first_of(",}", begin);
  if (text[begin] == '[') end = text.find(']', begin) + 1;
  return text.replace(begin, end - begin, value);
}

TEST(MixtralConfig, ReadsThePublishedSpelling) {
  const auto config = ParseMixtralConfig(kPublished);
  ASSERT_TRUE(config.ok()) << ToString(config.status());
  EXPECT_EQ(config->vocabulary, 32000U);
  EXPECT_EQ(config->hidden, 4096U);
  EXPECT_EQ(config->layers, 32U);
  EXPECT_EQ(config->heads, 32U);
  EXPECT_EQ(config->kv_heads, 8U);
  EXPECT_EQ(config->head_dim, 128U);
  EXPECT_EQ(config->experts, 8U);
  EXPECT_EQ(config->top_k, 2U);
  EXPECT_EQ(config->expert_width, 14336U);
  EXPECT_EQ(config->positions, 32768U);
  EXPECT_EQ(config->norm_epsilon, 1e-5F);
  EXPECT_EQ(config->rope_theta, 1e6);
  EXPECT_EQ(config->dtype, DType::kBf16);
  EXPECT_FALSE(config->tied_embeddings);
  EXPECT_EQ(config->bos, TokenId{1});
  EXPECT_EQ(config->eos, std::vector<TokenId>{TokenId{2}});
}

TEST(MixtralConfig, ReadsTransformers5AsTheSameModel) {
  const auto published = ParseMixtralConfig(kPublished);
  const auto config = ParseMixtralConfig(kTransformers5);
  ASSERT_TRUE(config.ok()) << ToString(config.status());
  EXPECT_EQ(*config, *published);
}

TEST(MixtralConfig, WritesWhatItReads) {
  auto config = ParseMixtralConfig(kPublished);
  config->head_dim = 64;
  config->rope_theta = 12345.678;
  config->dtype = DType::kF16;
  config->tied_embeddings = true;
  config->eos = {TokenId{2}, TokenId{7}};
  const auto again = ParseMixtralConfig(ToConfigJson(*config));
  ASSERT_TRUE(again.ok()) << ToString(again.status());
  EXPECT_EQ(*again, *config);
}

TEST(MixtralConfig, ReadsBackTheNormEpsilonAtBothEndsOfItsRange) {
  for (const char* epsilon : {"1e-12", "0.1", "1e-05"}) {
    const auto config = ParseMixtralConfig(With("rms_norm_eps", epsilon));
    ASSERT_TRUE(config.ok()) << ToString(config.status());
    const auto again = ParseMixtralConfig(ToConfigJson(*config));
    ASSERT_TRUE(again.ok()) << epsilon << ": " << ToString(again.status());
    EXPECT_EQ(*again, *config);
  }
}

TEST(MixtralConfig, RefusesWhatItCannotServeAndNamesTheKey) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad = {
      {"hidden_size", {"0", "-1", "4097", "1e3", "\"4096\"", "null", "4294967297"}},
      {"num_hidden_layers", {"0", "100000"}},
      {"num_attention_heads", {"0", "31", "5000"}},
      {"num_key_value_heads", {"0", "3", "64"}},
      {"num_local_experts", {"0", "257", "1"}},
      {"num_experts_per_tok", {"0", "9"}},
      {"intermediate_size", {"0", "2147483648"}},
      {"vocab_size", {"0", "18446744073709551615"}},
      {"max_position_embeddings", {"0", "2147483648"}},
      {"rope_theta", {"0", "-1", "1e300", "\"NaN\""}},
      {"rms_norm_eps", {"0", "1", "-1e-5"}},
      {"head_dim", {"0", "7", "100000"}},
      {"model_type", {"\"llama\"", "null", "7"}},
      {"architectures", {"[\"LlamaForCausalLM\"]", "[]", "\"MixtralForCausalLM\""}},
      {"hidden_act", {"\"gelu\""}},
      {"sliding_window", {"4096"}},
      {"rope_scaling", {"{\"type\": \"yarn\"}"}},
      {"rope_parameters",
       {"{\"rope_type\": \"yarn\"}", "{\"type\": \"linear\", \"factor\": 4.0}",
        "{\"rope_theta\": 0}", "3"}},
      {"quantization_config", {"{}"}},
      {"auto_map", {"{\"AutoModel\": \"modeling.py\"}"}},
      {"torch_dtype", {"\"float64\"", "\"int8\""}},
      {"eos_token_id", {"32000", "-1", "[2, 32000]"}},
      {"tie_word_embeddings", {"1"}}};
  for (const auto& [key, values] : bad) {
    for (const std::string& value : values) {
      const auto config = ParseMixtralConfig(With(key, value));
      ASSERT_FALSE(config.ok()) << key << " " << value;
      EXPECT_EQ(config.status().code(), StatusCode::kInvalidArgument);
      const bool names_it = Message(config.status()).find(key) != std::string::npos ||
                            Message(config.status()).find("num_") != std::string::npos;
      EXPECT_TRUE(names_it) << key << " " << value << ": " << Message(config.status());
    }
  }
}

TEST(MixtralConfig, RefusesTwoDifferentThetas) {
  const auto config = ParseMixtralConfig(
      With("rope_parameters", "{\"rope_theta\": 10000.0, \"rope_type\": \"default\"}"));
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(Message(config.status()), HasSubstr("rope_theta"));
}

TEST(MixtralConfig, RefusesWhatIsNotOneStrictJsonObject) {
  const std::string deep(10'000, '[');
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), std::string("{} {}"),
        std::string("{\"a\":1,\"a\":2}"), std::string("{\"a\":{\"b\":1,\"b\":1}}"),
        "{\"a\":" + deep, std::string("{\"a\":\"\xFF\"}"), std::string("{\"a\":NaN}"),
        std::string("{\"a\":1,}"), std::string("{/**/}")}) {
    EXPECT_FALSE(ParseMixtralConfig(text).ok()) << text.substr(0, 40);
  }
}

TEST(MixtralConfig, NeverEchoesUnprintableInput) {
  const auto config =
      ParseMixtralConfig(With("model_type", "\"a\\n\\u0007" + std::string(5000, 'x') + "\""));
  ASSERT_FALSE(config.ok());
  EXPECT_LT(Message(config.status()).size(), 300U);
  EXPECT_EQ(Message(config.status()).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace windrose
