#include "common/model/config.h"

#include <cmath>
#include <limits>
#include <sstream>

#include "common/model/strict_json.h"

namespace windrose {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxValues = 10'000;

// Reads members of one object; remembers the first error, so that reading goes straight on.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  const Status& status() const { return status_; }

  void Fail(std::string_view key, const std::string& why) {
    if (status_.ok()) status_ = InvalidArgument(std::string(key) + ": " + why);
  }

  // Null counts as absent, as Transformers writes it.
  const json::value* Find(std::string_view key) const {
    const json::value* value = object_.if_contains({key.data(), key.size()});
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  uint32_t Count(std::string_view key, uint32_t lowest, uint32_t highest) {
    const json::value* value = Find(key);
    if (value == nullptr) {
      Fail(key, "is missing");
      return 0;
    }
    return CountIn(key, *value, lowest, highest);
  }

  uint32_t CountIn(std::string_view key, const json::value& value, uint32_t lowest,
                   uint32_t highest) {
    if (value.is_int64() && value.get_int64() >= int64_t{lowest} &&
        value.get_int64() <= int64_t{highest}) {
      return static_cast<uint32_t>(value.get_int64());
    }
    Fail(key, "wanted a whole number from " + std::to_string(lowest) + " to " +
                  std::to_string(highest) + ", got " + Text(value));
    return 0;
  }

  double Number(std::string_view key, double lowest, double highest, double absent) {
    const json::value* value = Find(key);
    if (value == nullptr) return absent;
    if (value->is_number()) {
      const double number = value->to_number<double>();
      if (number >= lowest && number <= highest) return number;
    }
    std::ostringstream wanted;
    wanted << "wanted a number from " << lowest << " to " << highest << ", got " << Text(*value);
    Fail(key, wanted.str());
    return absent;
  }

  std::string String(std::string_view key, const std::string& absent) {
    const json::value* value = Find(key);
    if (value == nullptr) return absent;
    if (value->is_string()) return {value->get_string().data(), value->get_string().size()};
    Fail(key, "wanted a string, got " + Text(*value));
    return absent;
  }

  bool Flag(std::string_view key, bool absent) {
    const json::value* value = Find(key);
    if (value == nullptr) return absent;
    if (value->is_bool()) return value->get_bool();
    Fail(key, "wanted true or false, got " + Text(*value));
    return absent;
  }

  void MustBe(std::string_view key, const std::string& wanted, const std::string& absent) {
    const std::string got = String(key, absent);
    if (got != wanted) Fail(key, "wanted " + Quoted(wanted) + ", got " + Quoted(got));
  }

  void MustBeAbsent(std::string_view key, const std::string& why) {
    if (Find(key) != nullptr) Fail(key, why);
  }

 private:
  static std::string Text(const json::value& value) {
    if (value.is_string()) return Quoted({value.get_string().data(), value.get_string().size()});
    if (value.is_int64()) return std::to_string(value.get_int64());
    if (value.is_uint64()) return std::to_string(value.get_uint64());
    if (value.is_double()) return std::to_string(value.get_double());
    if (value.is_bool()) return value.get_bool() ? "true" : "false";
    return value.is_array() ? "an array" : "an object";
  }

  const json::object& object_;
  Status status_;
};

void CheckArchitecture(Reader& reader) {
  reader.MustBeAbsent("auto_map", "code from model directories is never run");
  reader.MustBe("model_type", "mixtral", "");
  reader.MustBe("hidden_act", "silu", "silu");
  reader.MustBeAbsent("sliding_window", "sliding-window attention is not supported");
  reader.MustBeAbsent("rope_scaling", "scaled rotary embeddings are not supported");
  reader.MustBeAbsent("quantization_config", "quantised checkpoints are not supported");
  const json::value* architectures = reader.Find("architectures");
  if (architectures == nullptr) return;
  const bool known = architectures->is_array() && architectures->get_array().size() == 1 &&
                     architectures->get_array()[0] == "MixtralForCausalLM";
  if (!known) reader.Fail("architectures", "wanted [\"MixtralForCausalLM\"]");
}

void ReadShape(Reader& reader, MixtralConfig& config) {
  // At least <unk>, <s> and </s>, whose ids are the defaults below.
  config.vocabulary = reader.Count("vocab_size", 3, 1U << 20);
  config.hidden = reader.Count("hidden_size", 1, 1U << 16);
  config.layers = reader.Count("num_hidden_layers", 1, 1024);
  config.heads = reader.Count("num_attention_heads", 1, 1024);
  config.kv_heads = reader.Find("num_key_value_heads") == nullptr
                        ? config.heads
                        : reader.Count("num_key_value_heads", 1, 1024);
  config.experts = reader.Count("num_local_experts", 1, 256);
  config.top_k = reader.Count("num_experts_per_tok", 1, 256);
  config.expert_width = reader.Count("intermediate_size", 1, 1U << 20);
  config.positions = reader.Count("max_position_embeddings", 1, 1U << 22);
  if (!reader.status().ok()) return;
  if (config.heads % config.kv_heads != 0) {
    reader.Fail("num_key_value_heads", "wanted a divisor of num_attention_heads " +
                                           std::to_string(config.heads) + ", got " +
                                           std::to_string(config.kv_heads));
  }
  if (config.top_k > config.experts) {
    reader.Fail("num_experts_per_tok", "wanted at most num_local_experts " +
                                           std::to_string(config.experts) + ", got " +
                                           std::to_string(config.top_k));
  }
}

void ReadHeadDim(Reader& reader, MixtralConfig& config) {
  if (!reader.status().ok()) return;
  if (reader.Find("head_dim") != nullptr) {
    config.head_dim = reader.Count("head_dim", 2, 1024);
  } else if (config.hidden % config.heads != 0) {
    reader.Fail("hidden_size", "wanted a multiple of num_attention_heads " +
                                   std::to_string(config.heads) + ", got " +
                                   std::to_string(config.hidden));
  } else {
    config.head_dim = config.hidden / config.heads;
  }
  if (reader.status().ok() && (config.head_dim % 2 != 0 || config.head_dim > 1024)) {
    reader.Fail("head_dim",
                "wanted an even number up to 1024, got " + std::to_string(config.head_dim));
  }
}

void ReadRotary(Reader& reader, MixtralConfig& config) {
  constexpr double kLowest = 1.0;
  constexpr double kHighest = 1e12;
  constexpr double kAbsent = 1e6;
  config.rope_theta = reader.Number("rope_theta", kLowest, kHighest, kAbsent);
  const json::value* parameters = reader.Find("rope_parameters");
  if (parameters == nullptr) return;
  if (!parameters->is_object()) return reader.Fail("rope_parameters", "wanted an object");
  Reader inner(parameters->get_object());
  inner.MustBe("rope_type", "default", "default");
  inner.MustBe("type", "default", "default");  // the older spelling
  const double theta = inner.Number("rope_theta", kLowest, kHighest, config.rope_theta);
  if (!inner.status().ok()) return reader.Fail("rope_parameters", Message(inner.status()));
  if (reader.Find("rope_theta") != nullptr && theta != config.rope_theta) {
    return reader.Fail("rope_theta", "differs from rope_parameters.rope_theta");
  }
  config.rope_theta = theta;
}

DType ReadDType(Reader& reader) {
  const char* key = reader.Find("dtype") != nullptr ? "dtype" : "torch_dtype";
  const std::string name = reader.String(key, "bfloat16");
  if (name == "float32") return DType::kF32;
  if (name == "float16") return DType::kF16;
  if (name != "bfloat16") {
    reader.Fail(key, "wanted float32, float16 or bfloat16, got " + Quoted(name));
  }
  return DType::kBf16;
}

void ReadSpecialTokens(Reader& reader, MixtralConfig& config) {
  if (!reader.status().ok()) return;
  const uint32_t last = config.vocabulary - 1;
  if (reader.Find("bos_token_id") != nullptr) {
    config.bos = TokenId{reader.Count("bos_token_id", 0, last)};
  }
  const json::value* eos = reader.Find("eos_token_id");
  if (eos == nullptr) return;
  config.eos.clear();
  if (!eos->is_array()) {
    config.eos.push_back(TokenId{reader.CountIn("eos_token_id", *eos, 0, last)});
    return;
  }
  for (const json::value& element : eos->get_array()) {
    config.eos.push_back(TokenId{reader.CountIn("eos_token_id", element, 0, last)});
  }
}

const char* TorchName(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "float32";
    case DType::kF16:
      return "float16";
    case DType::kBf16:
      return "bfloat16";
    case DType::kQ8:
    case DType::kQ4:
    case DType::kPackedBf16:
      break;  // a config names plain formats only
  }
  return "?";
}

}  // namespace

StatusOr<MixtralConfig> ParseMixtralConfig(std::string_view text) {
  ASSIGN_OR_RETURN(const json::object object,
                   ParseStrictJsonObject(text, {.max_depth = kMaxDepth, .max_values = kMaxValues}));
  Reader reader(object);
  MixtralConfig config;
  CheckArchitecture(reader);
  ReadShape(reader, config);
  ReadHeadDim(reader, config);
  ReadRotary(reader, config);
  // Bounds as f32, so that what is written from the stored value is read again.
  config.norm_epsilon = static_cast<float>(
      reader.Number("rms_norm_eps", double{1e-12F}, double{0.1F}, double{1e-5F}));
  config.dtype = ReadDType(reader);
  config.tied_embeddings = reader.Flag("tie_word_embeddings", false);
  ReadSpecialTokens(reader, config);
  if (!reader.status().ok()) return reader.status();
  return config;
}

std::string ToConfigJson(const MixtralConfig& config) {
  std::ostringstream out;
  out.precision(std::numeric_limits<double>::max_digits10);
  out << "{\n  \"architectures\": [\"MixtralForCausalLM\"],\n  \"model_type\": \"mixtral\",\n"
      << "  \"hidden_act\": \"silu\",\n"
      << "  \"vocab_size\": " << config.vocabulary << ",\n"
      << "  \"hidden_size\": " << config.hidden << ",\n"
      << "  \"num_hidden_layers\": " << config.layers << ",\n"
      << "  \"num_attention_heads\": " << config.heads << ",\n"
      << "  \"num_key_value_heads\": " << config.kv_heads << ",\n"
      << "  \"head_dim\": " << config.head_dim << ",\n"
      << "  \"num_local_experts\": " << config.experts << ",\n"
      << "  \"num_experts_per_tok\": " << config.top_k << ",\n"
      << "  \"intermediate_size\": " << config.expert_width << ",\n"
      << "  \"max_position_embeddings\": " << config.positions << ",\n"
      << "  \"rms_norm_eps\": " << double{config.norm_epsilon} << ",\n"
      << "  \"rope_theta\": " << config.rope_theta << ",\n"
      << "  \"sliding_window\": null,\n"
      << "  \"tie_word_embeddings\": " << (config.tied_embeddings ? "true" : "false") << ",\n"
      << "  \"torch_dtype\": \"" << TorchName(config.dtype) << "\",\n"
      << "  \"bos_token_id\": " << config.bos.value() << ",\n  \"eos_token_id\": [";
  for (size_t i = 0; i < config.eos.size(); ++i) {
    out << (i == 0 ? "" : ", ") << config.eos[i].value();
  }
  out << "]\n}\n";
  return out.str();
}

}  // namespace windrose
