#include "common/model/gguf_config.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "common/model/strict_json.h"

namespace windrose {
namespace {

constexpr std::string_view kPrefix = "llama.";
// How blocks are laid out; version 1 was before GGUF.
constexpr uint32_t kQuantizationVersion = 2;

// Keys that are read, and tensor_data_layout, which tells where the tensors came from.
constexpr std::array<std::string_view, 15> kKnownKeys = {"llama.attention.head_count",
                                                         "llama.attention.head_count_kv",
                                                         "llama.attention.key_length",
                                                         "llama.attention.layer_norm_rms_epsilon",
                                                         "llama.attention.value_length",
                                                         "llama.block_count",
                                                         "llama.context_length",
                                                         "llama.embedding_length",
                                                         "llama.expert_count",
                                                         "llama.expert_used_count",
                                                         "llama.feed_forward_length",
                                                         "llama.rope.dimension_count",
                                                         "llama.rope.freq_base",
                                                         "llama.tensor_data_layout",
                                                         "llama.vocab_size"};

// Reads keys; remembers the first error, so that reading goes straight on.
class Reader {
 public:
  explicit Reader(const GgufMetadata& metadata) : metadata_(metadata) {}

  const Status& status() const { return status_; }

  void Fail(std::string_view key, const std::string& why) {
    if (status_.ok()) status_ = InvalidArgument("key " + Quoted(key) + ": " + why);
  }

  bool Has(std::string_view key) const { return metadata_.Has(key); }
  uint32_t Count(std::string_view key) { return Take(metadata_.Count(key), uint32_t{0}); }
  uint32_t Count(std::string_view key, uint32_t absent) { return Has(key) ? Count(key) : absent; }
  double Number(std::string_view key) { return Take(metadata_.Number(key), 0.0); }
  double Number(std::string_view key, double absent) { return Has(key) ? Number(key) : absent; }
  bool Flag(std::string_view key, bool absent) {
    return Has(key) ? Take(metadata_.Flag(key), absent) : absent;
  }
  std::string Text(std::string_view key) {
    return std::string(Take(metadata_.Text(key), std::string_view()));
  }
  uint64_t ElementsOf(std::string_view key) { return Take(metadata_.ElementsOf(key), uint64_t{0}); }

  void MustBe(std::string_view key, uint32_t wanted) {
    const uint32_t got = Count(key, wanted);
    if (got != wanted) {
      Fail(key, "wanted " + std::to_string(wanted) + ", the file has " + std::to_string(got));
    }
  }

 private:
  template <typename T>
  T Take(const StatusOr<T>& value, T on_error) {
    if (value.ok()) return *value;
    if (status_.ok()) status_ = value.status();
    return on_error;
  }

  const GgufMetadata& metadata_;
  Status status_;
};

void CheckArchitecture(Reader& reader) {
  const std::string architecture = reader.Text("general.architecture");
  if (architecture != "llama") {
    reader.Fail("general.architecture",
                "a Mixtral has \"llama\", the file has " + Quoted(architecture));
  }
  if (reader.Count("llama.expert_count", 0) == 0) {
    reader.Fail("llama.expert_count", "a Mixtral has experts, the file has none");
  }
  reader.MustBe("general.quantization_version", kQuantizationVersion);
}

// Keys that are right only when they change nothing. True when `key` is one of them.
bool CheckNeutralKey(Reader& reader, std::string_view key) {
  if (key == "llama.attention.sliding_window" || key == "llama.expert_shared_count") {
    reader.MustBe(key, 0);
  } else if (key == "llama.expert_feed_forward_length") {
    reader.MustBe(key, reader.Count("llama.feed_forward_length"));
  } else if (key == "llama.attention.causal") {
    if (!reader.Flag(key, true)) reader.Fail(key, "wanted true, the file has false");
  } else if (key == "llama.rope.scale_linear" || key == "llama.rope.scaling.factor") {
    if (reader.Number(key) != 1.0) reader.Fail(key, "scaled rotary embeddings are not supported");
  } else if (key == "llama.rope.scaling.type") {
    if (reader.Text(key) != "none") reader.Fail(key, "scaled rotary embeddings are not supported");
  } else {
    return false;
  }
  return true;
}

void CheckOtherKeys(Reader& reader, const GgufValues& values) {
  for (auto at = values.lower_bound(kPrefix);
       at != values.end() && std::string_view(at->first).starts_with(kPrefix); ++at) {
    if (std::binary_search(kKnownKeys.begin(), kKnownKeys.end(), at->first)) continue;
    if (CheckNeutralKey(reader, at->first)) continue;
    reader.Fail(at->first, "unknown, and might change what the model computes");
  }
}

float ReadEpsilon(Reader& reader) {
  constexpr std::string_view kKey = "llama.attention.layer_norm_rms_epsilon";
  const double epsilon = reader.Number(kKey);
  if (epsilon > 0 && epsilon < 1) return static_cast<float>(epsilon);
  reader.Fail(kKey, "wanted a number between 0 and 1");
  return 0;
}

void ReadShape(Reader& reader, MixtralConfig& config) {
  config.hidden = reader.Count("llama.embedding_length");
  config.layers = reader.Count("llama.block_count");
  config.expert_width = reader.Count("llama.feed_forward_length");
  config.heads = reader.Count("llama.attention.head_count");
  config.kv_heads = reader.Count("llama.attention.head_count_kv", config.heads);
  config.experts = reader.Count("llama.expert_count");
  config.top_k = reader.Count("llama.expert_used_count");
  config.positions = reader.Count("llama.context_length");
  config.norm_epsilon = ReadEpsilon(reader);
  constexpr double kFormatsDefault = 10'000.0;
  config.rope_theta = reader.Number("llama.rope.freq_base", kFormatsDefault);
}

// The whole head must be rotated, and keys be as long as values.
void ReadHeadDim(Reader& reader, MixtralConfig& config) {
  if (!reader.status().ok()) return;
  constexpr std::string_view kKeyLength = "llama.attention.key_length";
  if (config.heads == 0 || (!reader.Has(kKeyLength) && config.hidden % config.heads != 0)) {
    return reader.Fail("llama.attention.head_count", "wanted a divisor of llama.embedding_length " +
                                                         std::to_string(config.hidden) +
                                                         ", the file has " +
                                                         std::to_string(config.heads));
  }
  config.head_dim = reader.Count(kKeyLength, config.hidden / config.heads);
  reader.MustBe("llama.attention.value_length", config.head_dim);
  reader.MustBe("llama.rope.dimension_count", config.head_dim);
}

void ReadVocabulary(Reader& reader, MixtralConfig& config) {
  constexpr const char* kSize = "llama.vocab_size";
  constexpr const char* kTokens = "tokenizer.ggml.tokens";
  if (reader.Has(kTokens)) {
    const uint64_t tokens = reader.ElementsOf(kTokens);
    config.vocabulary = static_cast<uint32_t>(tokens);  // at most kMaxGgufArrayElements
    reader.MustBe(kSize, config.vocabulary);
  } else {
    config.vocabulary = reader.Count(kSize);
  }
  config.bos = TokenId{reader.Count("tokenizer.ggml.bos_token_id", config.bos.value())};
  config.eos = {TokenId{reader.Count("tokenizer.ggml.eos_token_id", config.eos[0].value())}};
}

// The limits are those of config.json, so a config that could not be written as one is refused.
Status CheckLimits(const MixtralConfig& config) {
  const auto again = ParseMixtralConfig(ToConfigJson(config));
  return Annotate(again.status(), "the keys llama.…, written as config.json");
}

}  // namespace

StatusOr<MixtralConfig> ReadGgufConfig(const GgufMetadata& metadata) {
  Reader reader(metadata);
  CheckArchitecture(reader);
  CheckOtherKeys(reader, metadata.values());
  MixtralConfig config;
  ReadShape(reader, config);
  ReadHeadDim(reader, config);
  ReadVocabulary(reader, config);
  if (!reader.status().ok()) return reader.status();
  RETURN_IF_ERROR(CheckLimits(config));
  return config;
}

}  // namespace windrose
