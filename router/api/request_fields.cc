#include "router/api/request_fields.h"

#include <charconv>
#include <limits>

namespace windrose::router {
namespace {

constexpr uint64_t kMaxUint31 = std::numeric_limits<int32_t>::max();

bool IsEmpty(const JsonValue& value) {
  if (const bool* flag = value.AsBool()) return !*flag;
  if (const JsonNumber* number = value.AsNumber()) return number->real == 0;
  if (const std::string* text = value.AsString()) return text->empty();
  if (const JsonValue::Array* array = value.AsArray()) return array->empty();
  if (const JsonValue::Object* object = value.AsObject()) return object->empty();
  return true;
}

// A token id written in decimal, without sign or leading zeros.
std::optional<TokenId> ToTokenId(const std::string& key) {
  uint32_t id = 0;
  const char* const end = key.data() + key.size();
  const auto result = std::from_chars(key.data(), end, id);
  if (result.ec != std::errc() || result.ptr != end || id > kMaxUint31) return std::nullopt;
  if (key.size() > 1 && key.front() == '0') return std::nullopt;
  return TokenId(id);
}

void ReadLogitBias(JsonFields& fields, const RequestLimits& limits, Sampling& sampling) {
  const JsonValue::Object* const biases = fields.Object("logit_bias");
  if (biases == nullptr) return;
  if (biases->size() > limits.logit_bias) {
    return fields.FailValue(
        "logit_bias", "an object of at most " + std::to_string(limits.logit_bias) + " entries");
  }
  for (const auto& [key, value] : *biases) {
    const std::optional<TokenId> id = ToTokenId(key);
    if (!id.has_value())
      return fields.FailValue("logit_bias", "an object whose keys are token ids");
    const JsonNumber* const bias = value.AsNumber();
    if (bias == nullptr || bias->real < -100 || bias->real > 100) {
      return fields.FailValue("logit_bias", "an object whose values are numbers from -100 to 100");
    }
    sampling.logit_bias[*id] = static_cast<float>(bias->real);
  }
}

void ReadTopK(JsonFields& fields, Sampling& sampling) {
  const JsonValue* const value = fields.Get("top_k");
  const JsonNumber* const number = value == nullptr ? nullptr : value->AsNumber();
  // -1 is another way to say off.
  if (number != nullptr && number->integral && number->negative && number->magnitude == 1) return;
  sampling.top_k = static_cast<uint32_t>(fields.Unsigned("top_k", 0, kMaxUint31).value_or(0));
}

Sampling ReadSampling(JsonFields& fields, const RequestLimits& limits) {
  constexpr RealRange kPenalty{.min = -2, .max = 2};
  Sampling sampling;
  sampling.temperature = fields.Real("temperature", {.min = 0, .max = 2});
  sampling.top_p = fields.Real("top_p", {.min = 0, .max = 1, .above_min = true});
  sampling.min_p = fields.Real("min_p", {.min = 0, .max = 1}).value_or(0.0F);
  sampling.repetition_penalty = fields.Real("repetition_penalty", {.min = 0.01, .max = 100});
  sampling.presence_penalty = fields.Real("presence_penalty", kPenalty).value_or(0.0F);
  sampling.frequency_penalty = fields.Real("frequency_penalty", kPenalty).value_or(0.0F);
  sampling.seed = fields.Signed64("seed");
  const auto random_seed = fields.Signed64("random_seed");  // Mistral's name
  if (!sampling.seed.has_value()) sampling.seed = random_seed;
  ReadTopK(fields, sampling);
  ReadLogitBias(fields, limits, sampling);
  return sampling;
}

void AddStop(JsonFields& fields, const JsonValue& value, const RequestLimits& limits,
             std::vector<std::string>& stop) {
  const std::string* const text = value.AsString();
  if (text == nullptr || text->empty() || text->size() > limits.stop_bytes) {
    fields.FailValue("stop", "a string or an array of strings, each of 1 to " +
                                 std::to_string(limits.stop_bytes) + " bytes");
    return;
  }
  stop.push_back(*text);
}

std::vector<std::string> ReadStop(JsonFields& fields, const RequestLimits& limits) {
  std::vector<std::string> stop;
  const JsonValue* const value = fields.Get("stop");
  if (value == nullptr) return stop;
  const JsonValue::Array* const array = value->AsArray();
  if (array == nullptr) {
    AddStop(fields, *value, limits, stop);
    return stop;
  }
  if (array->size() > limits.stop_strings) {
    fields.FailValue("stop", "at most " + std::to_string(limits.stop_strings) + " strings");
    return stop;
  }
  for (const JsonValue& item : *array) AddStop(fields, item, limits, stop);
  return stop;
}

void ReadStreamOptions(JsonFields& fields, GenerationOptions& options) {
  options.stream = fields.Bool("stream").value_or(false);
  if (fields.Object("stream_options") == nullptr) return;
  if (!options.stream) {
    return fields.FailValue("stream_options", "absent when 'stream' is not true");
  }
  JsonFields inner(*fields.Get("stream_options"), "stream_options.");
  options.include_usage = inner.Bool("include_usage").value_or(false);
  fields.Fail(inner.status());
}

// Labels mean nothing to us; their size is bounded all the same.
void CheckLabels(JsonFields& fields, const RequestLimits& limits) {
  for (const std::string_view key : {"user", "safety_identifier", "prompt_cache_key"}) {
    fields.Text(key, limits.label_bytes);
  }
  const JsonValue::Object* const metadata = fields.Object("metadata");
  if (metadata == nullptr) return;
  for (const auto& [key, value] : *metadata) {
    const std::string* const text = value.AsString();
    if (text == nullptr || key.size() + text->size() > limits.label_bytes) {
      return fields.FailValue("metadata", "an object of strings, each of at most " +
                                              std::to_string(limits.label_bytes) +
                                              " bytes with its key");
    }
  }
}

}  // namespace

void RefuseUnlessEmpty(JsonFields& fields, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    const JsonValue* const value = fields.Get(key);
    if (value != nullptr && !IsEmpty(*value)) fields.FailUnsupported(key);
  }
}

void RefuseUnsupportedFields(JsonFields& fields) {
  RefuseUnlessEmpty(fields, {"tools",
                             "functions",
                             "audio",
                             "web_search_options",
                             "stop_token_ids",
                             "include_stop_str_in_output",
                             "min_tokens",
                             "allowed_token_ids",
                             "bad_words",
                             "prompt_logprobs",
                             "truncate_prompt_tokens",
                             "structured_outputs",
                             "guided_json",
                             "guided_regex",
                             "guided_choice",
                             "guided_grammar",
                             "grammar",
                             "json_schema",
                             "use_beam_search",
                             "logits_processors",
                             "return_token_ids",
                             "return_tokens_as_token_ids",
                             "safe_prompt",
                             "documents",
                             "mirostat"});
  // These reach into an engine, so even an empty value is refused.
  for (const std::string_view key :
       {"chat_template", "chat_template_kwargs", "add_generation_prompt", "n_discard",
        "cache_prompt", "slot_id", "prompt_embeds"}) {
    if (fields.Get(key) != nullptr) fields.FailUnsupported(key);
  }
  if (const JsonValue* format = fields.Get("response_format")) {
    const JsonValue* const type = format->Find("type");
    const std::string* const name = type == nullptr ? nullptr : type->AsString();
    if (name == nullptr || *name != "text") fields.FailUnsupported("response_format");
  }
  if (!fields.Bool("skip_special_tokens").value_or(true)) {
    fields.FailUnsupported("skip_special_tokens");
  }
}

GenerationOptions ReadGenerationOptions(JsonFields& fields, const RequestLimits& limits) {
  GenerationOptions options;
  options.model = fields.Text("model", limits.model_bytes).value_or("");
  if (options.model.empty() && fields.status().ok()) fields.FailMissing("model");
  options.sampling = ReadSampling(fields, limits);
  options.stop = ReadStop(fields, limits);
  options.choices_per_prompt =
      static_cast<uint32_t>(fields.Unsigned("n", 1, limits.choices_per_prompt).value_or(1));
  ReadStreamOptions(fields, options);
  options.ignore_eos = fields.Bool("ignore_eos").value_or(false);
  CheckLabels(fields, limits);
  RefuseUnsupportedFields(fields);
  return options;
}

}  // namespace windrose::router
