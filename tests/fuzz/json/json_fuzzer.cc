// Any bytes as a request body: both parsers must answer without a crash, and what the JSON parser
// lets through must survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "router/api/json.h"
#include "router/api/openai_request.h"

namespace {

using windrose::router::JsonValue;
using windrose::router::JsonWriter;

void WriteAgain(const JsonValue& value, JsonWriter& json) {
  if (const std::string* text = value.AsString()) {
    json.String(*text);
  } else if (const JsonValue::Array* items = value.AsArray()) {
    json.BeginArray();
    for (const JsonValue& item : *items) WriteAgain(item, json);
    json.EndArray();
  } else if (const JsonValue::Object* members = value.AsObject()) {
    json.BeginObject();
    for (const auto& [key, member] : *members) {
      json.Key(key);
      WriteAgain(member, json);
    }
    json.EndObject();
  } else if (const bool* flag = value.AsBool()) {
    json.Bool(*flag);
  } else {
    json.Null();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  const auto value = windrose::router::ParseJson(text);
  if (value.ok()) {
    JsonWriter json;
    WriteAgain(*value, json);
    if (!windrose::router::ParseJson(json.Take()).ok()) std::abort();
  }
  static_cast<void>(windrose::router::ParseChatRequest(text, {}).ok());
  static_cast<void>(windrose::router::ParseCompletionRequest(text, {}).ok());
  return 0;
}
