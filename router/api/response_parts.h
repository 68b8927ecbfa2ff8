// The parts that chat and completion answers share. Included by their two .cc files only.
#pragma once

#include "router/api/json.h"
#include "router/api/openai_response.h"

namespace windrose::router {

inline const char* FinishReasonName(FinishReason reason) {
  return reason == FinishReason::kStop ? "stop" : "length";
}

// Opens the answer's object and writes its head; the caller closes it.
inline void WriteHead(JsonWriter& json, const ResponseHead& head, std::string_view object) {
  json.BeginObject();
  json.Key("id").String(head.id);
  json.Key("object").String(object);
  json.Key("created").Integer(head.created);
  json.Key("model").String(head.model);
  json.Key("system_fingerprint").StringOrNull(head.system_fingerprint);
}

inline void WriteUsage(JsonWriter& json, const Usage& usage) {
  json.Key("usage").BeginObject();
  json.Key("prompt_tokens").Unsigned(usage.prompt_tokens);
  json.Key("completion_tokens").Unsigned(usage.completion_tokens);
  json.Key("total_tokens").Unsigned(usage.prompt_tokens + usage.completion_tokens);
  json.EndObject();
}

// What clients show for a token: its own bytes, or its text where no log-probability was computed.
inline const std::string& TokenBytes(const TokenEvent& token) {
  return token.logprob.has_value() ? token.logprob->text : token.text;
}

}  // namespace windrose::router
