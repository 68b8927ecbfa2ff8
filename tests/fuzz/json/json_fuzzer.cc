// Any bytes as a request body: an error or values within limits, never worse. What the JSON parser
// lets through must survive being written and read again, and mean the same request however it is
// spelled.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include "common/base/check.h"
#include "router/api/json.h"
#include "router/api/openai_request.h"

namespace windrose::router {
namespace {

// --- JSON ----------------------------------------------------------------------------------------

// A number that is whole as such, any other with a point or an exponent.
std::string WrittenNumber(const JsonNumber& number) {
  std::string text;
  if (number.integral) {
    text = number.negative ? "-" : "";
    return text.append(JsonWriter().Unsigned(number.magnitude).Take());
  }
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number.real).ptr;
  text.assign(std::begin(digits), end);
  return text.find_first_of(".e") == std::string::npos ? text.append(".0") : text;
}

std::string WrittenItems(const JsonValue::Array& items);
std::string WrittenMembers(const JsonValue::Object& members);

// The value in a spelling of our own: as answers are written, but for numbers, which are exact.
std::string Written(const JsonValue& value) {
  if (const JsonNumber* number = value.AsNumber()) return WrittenNumber(*number);
  if (const std::string* string = value.AsString()) return JsonWriter().String(*string).Take();
  if (const bool* flag = value.AsBool()) return JsonWriter().Bool(*flag).Take();
  if (const JsonValue::Array* items = value.AsArray()) return WrittenItems(*items);
  if (const JsonValue::Object* members = value.AsObject()) return WrittenMembers(*members);
  return JsonWriter().Null().Take();
}

std::string WrittenItems(const JsonValue::Array& items) {
  std::string text("[");
  for (const JsonValue& item : items) {
    if (text.size() > 1) text.append(",");
    text.append(Written(item));
  }
  return text.append("]");
}

std::string WrittenMembers(const JsonValue::Object& members) {
  std::string text("{");
  for (const auto& [key, member] : members) {
    if (text.size() > 1) text.append(",");
    text.append(JsonWriter().String(key).Take()).append(":").append(Written(member));
  }
  return text.append("}");
}

bool SameNumber(const JsonNumber& a, const JsonNumber& b) {
  return a.real == b.real && a.integral == b.integral && a.negative == b.negative &&
         (!a.integral || a.magnitude == b.magnitude);
}

bool Same(const JsonValue& a, const JsonValue& b);

bool SameItems(const JsonValue::Array& a, const JsonValue::Array& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (!Same(a[i], b[i])) return false;
  }
  return a.size() == b.size();
}

bool SameMembers(const JsonValue::Object& a, const JsonValue::Object& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i].first != b[i].first || !Same(a[i].second, b[i].second)) return false;
  }
  return a.size() == b.size();
}

bool Same(const JsonValue& a, const JsonValue& b) {
  if (std::string_view(a.TypeName()) != b.TypeName()) return false;
  if (a.AsNumber() != nullptr) return SameNumber(*a.AsNumber(), *b.AsNumber());
  if (a.AsString() != nullptr) return *a.AsString() == *b.AsString();
  if (a.AsBool() != nullptr) return *a.AsBool() == *b.AsBool();
  if (a.AsArray() != nullptr) return SameItems(*a.AsArray(), *b.AsArray());
  if (a.AsObject() != nullptr) return SameMembers(*a.AsObject(), *b.AsObject());
  return true;
}

// --- requests ------------------------------------------------------------------------------------

auto Fields(const Sampling& sampling) {
  return std::tie(sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p,
                  sampling.seed, sampling.repetition_penalty, sampling.presence_penalty,
                  sampling.frequency_penalty, sampling.logit_bias);
}

auto Fields(const GenerationOptions& options) {
  return std::tuple_cat(
      Fields(options.sampling),
      std::tie(options.model, options.max_tokens, options.stop, options.choices_per_prompt,
               options.stream, options.include_usage, options.ignore_eos));
}

auto Fields(const ChatRequest& request) {
  return std::tuple_cat(Fields(request.options),
                        std::tie(request.prompt.messages, request.prompt.continue_final_message,
                                 request.logprobs, request.top_logprobs));
}

bool SamePrompt(const Prompt& a, const Prompt& b) {
  if (a.index() != b.index()) return false;
  if (const auto* text = std::get_if<TextPrompt>(&a)) {
    const auto& other = std::get<TextPrompt>(b);
    return text->text == other.text && text->omit_bos == other.omit_bos;
  }
  return std::get<TokenPrompt>(a).ids == std::get<TokenPrompt>(b).ids;
}

bool Same(const ChatRequest& a, const ChatRequest& b) { return Fields(a) == Fields(b); }

bool Same(const CompletionRequest& a, const CompletionRequest& b) {
  if (a.prompts.size() != b.prompts.size()) return false;
  for (size_t i = 0; i < a.prompts.size(); ++i) {
    if (!SamePrompt(a.prompts[i], b.prompts[i])) return false;
  }
  return Fields(a.options) == Fields(b.options) && a.logprobs == b.logprobs && a.echo == b.echo;
}

void CheckOptions(const GenerationOptions& options, const RequestLimits& limits) {
  CHECK(options.model.size() <= limits.model_bytes);
  CHECK(options.choices_per_prompt >= 1);
  CHECK(options.choices_per_prompt <= limits.choices_per_prompt);
  CHECK(options.stop.size() <= limits.stop_strings);
  for (const std::string& stop : options.stop) {
    CHECK(!stop.empty() && stop.size() <= limits.stop_bytes);
  }
}

void CheckLimits(const ChatRequest& request, const RequestLimits& limits) {
  CheckOptions(request.options, limits);
  CHECK(!request.prompt.messages.empty() && request.prompt.messages.size() <= limits.messages);
  CHECK(request.top_logprobs <= (request.logprobs ? limits.top_logprobs : 0));
  CHECK(request.options.max_tokens.value_or(1) >= 1);
}

void CheckLimits(const CompletionRequest& request, const RequestLimits& limits) {
  CheckOptions(request.options, limits);
  CHECK(!request.prompts.empty() && request.prompts.size() <= limits.prompts);
  CHECK(request.logprobs.value_or(0) <= limits.completion_logprobs);
  CHECK(request.echo || request.options.max_tokens.value_or(1) >= 1);
  for (const Prompt& prompt : request.prompts) {
    const auto* tokens = std::get_if<TokenPrompt>(&prompt);
    if (tokens == nullptr) continue;
    CHECK(!tokens->ids.empty() && tokens->ids.size() <= limits.prompt_tokens);
  }
}

// The same from both spellings: a request within the limits, or an error in the same words.
template <typename Parser>
void CheckRequest(Parser parse, const std::string& text, const std::string& rewritten) {
  const RequestLimits limits;
  const auto request = parse(text, limits);
  const auto again = parse(rewritten, limits);
  CHECK(ToString(request.status()) == ToString(again.status()));
  if (!request.ok()) return;
  CheckLimits(*request, limits);
  CHECK(Same(*request, *again));
}

void Check(const std::string& text) {
  const StatusOr<JsonValue> value = ParseJson(text);
  if (value.ok()) {
    const std::string rewritten = Written(*value);
    const StatusOr<JsonValue> again = ParseJson(rewritten);
    CHECK(again.ok() && Same(*value, *again));
    CheckRequest(ParseChatRequest, text, rewritten);
    CheckRequest(ParseCompletionRequest, text, rewritten);
  } else {
    CHECK(!ParseChatRequest(text, {}).ok() && !ParseCompletionRequest(text, {}).ok());
  }
}

}  // namespace
}  // namespace windrose::router

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  windrose::router::Check(std::string(data, data + size));
  return 0;
}
