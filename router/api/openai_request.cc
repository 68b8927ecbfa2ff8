#include "router/api/openai_request.h"

#include <limits>
#include <utility>

#include "router/api/json_fields.h"
#include "router/api/request_fields.h"
#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

constexpr uint64_t kMaxTokens = std::numeric_limits<int32_t>::max();

std::string Indexed(const char* name, size_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

Status UnsupportedContent(const std::string& path) {
  return BadField(path, "unsupported_content",
                  "'" + path + "' must be a text part: {\"type\": \"text\", \"text\": …}");
}

// Text parts joined by line breaks.
StatusOr<std::string> JoinParts(const JsonValue::Array& parts, const std::string& path) {
  if (parts.empty()) {
    return BadField(path, "invalid_value", "'" + path + "' must hold at least one part");
  }
  std::string joined;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string part_path = path + "[" + std::to_string(i) + "]";
    const JsonValue* const type = parts[i].Find("type");
    const JsonValue* const text = parts[i].Find("text");
    if (type == nullptr || type->AsString() == nullptr || *type->AsString() != "text") {
      return UnsupportedContent(part_path);
    }
    if (text == nullptr || text->AsString() == nullptr) return UnsupportedContent(part_path);
    if (i > 0) joined += '\n';
    joined += *text->AsString();
  }
  return joined;
}

StatusOr<std::string> ReadContent(JsonFields& fields) {
  const std::string path = fields.PathOf("content");
  const JsonValue* const content = fields.Get("content");
  if (content == nullptr) {
    return BadField(path, "missing_required_parameter", "'" + path + "' is missing or null");
  }
  if (content->AsString() != nullptr) return *content->AsString();
  if (content->AsArray() != nullptr) return JoinParts(*content->AsArray(), path);
  return BadField(
      path, "invalid_type",
      "'" + path + "' must be a string or an array of parts, but is " + content->TypeName());
}

StatusOr<ChatMessage> ReadMessage(const JsonValue& value, const std::string& path) {
  if (value.AsObject() == nullptr) {
    return BadField(path, "invalid_type",
                    "'" + path + "' must be an object, but is " + value.TypeName());
  }
  JsonFields fields(value, path + ".");
  const std::optional<std::string> role = fields.Text("role", 64);
  RETURN_IF_ERROR(fields.status());
  if (!role.has_value()) fields.FailMissing("role");
  RefuseUnlessEmpty(fields, {"tool_calls", "function_call", "audio"});
  RETURN_IF_ERROR(fields.status());
  if (*role != "system" && *role != "developer" && *role != "user" && *role != "assistant") {
    fields.FailValue("role", "one of system, developer, user and assistant");
    return fields.status();
  }
  ChatMessage message;
  message.role = *role;
  ASSIGN_OR_RETURN(message.content, ReadContent(fields));
  return message;
}

StatusOr<std::vector<ChatMessage>> ReadMessages(JsonFields& fields, const RequestLimits& limits) {
  const JsonValue::Array* const items = fields.Array("messages");
  RETURN_IF_ERROR(fields.status());
  if (items == nullptr) {
    fields.FailMissing("messages");
  } else if (items->empty() || items->size() > limits.messages) {
    fields.FailValue("messages",
                     "an array of 1 to " + std::to_string(limits.messages) + " messages");
  }
  RETURN_IF_ERROR(fields.status());
  std::vector<ChatMessage> messages;
  messages.reserve(items->size());
  for (size_t i = 0; i < items->size(); ++i) {
    ASSIGN_OR_RETURN(ChatMessage message, ReadMessage((*items)[i], Indexed("messages", i)));
    messages.push_back(std::move(message));
  }
  return messages;
}

// Mistral's dialect marks the message to continue itself.
bool LastMessageIsPrefix(JsonFields& fields) {
  const JsonValue::Array* const items = fields.Array("messages");
  if (items == nullptr || items->empty()) return false;
  const JsonValue* const prefix = items->back().Find("prefix");
  return prefix != nullptr && prefix->AsBool() != nullptr && *prefix->AsBool();
}

bool IsTextOnly(const JsonValue& modalities) {
  const JsonValue::Array* const items = modalities.AsArray();
  if (items == nullptr) return false;
  for (const JsonValue& item : *items) {
    if (item.AsString() == nullptr || *item.AsString() != "text") return false;
  }
  return true;
}

// Without tools, "none" and "auto" ask for nothing.
void CheckToolChoice(JsonFields& fields, std::string_view key) {
  const JsonValue* const choice = fields.Get(key);
  if (choice == nullptr) return;
  const std::string* const name = choice->AsString();
  if (name == nullptr || (*name != "none" && *name != "auto")) fields.FailUnsupported(key);
}

void ReadChatLogprobs(JsonFields& fields, const RequestLimits& limits, ChatRequest& request) {
  request.logprobs = fields.Bool("logprobs").value_or(false);
  const auto top = fields.Unsigned("top_logprobs", 0, limits.top_logprobs);
  if (top.has_value() && !request.logprobs) {
    fields.FailValue("top_logprobs", "absent when 'logprobs' is not true");
  }
  request.top_logprobs = static_cast<uint32_t>(top.value_or(0));
}

// The newer name wins when both are there.
std::optional<uint32_t> ReadChatMaxTokens(JsonFields& fields) {
  const auto old_name = fields.Unsigned("max_tokens", 1, kMaxTokens);
  const auto new_name = fields.Unsigned("max_completion_tokens", 1, kMaxTokens);
  const auto chosen = new_name.has_value() ? new_name : old_name;
  return chosen.has_value() ? std::optional(static_cast<uint32_t>(*chosen)) : std::nullopt;
}

StatusOr<TokenPrompt> ReadTokenIds(const JsonValue::Array& items, const RequestLimits& limits) {
  if (items.empty() || items.size() > limits.prompt_tokens) {
    return BadField("prompt", "invalid_value",
                    "'prompt' must hold 1 to " + std::to_string(limits.prompt_tokens) +
                        " token ids, but holds " + std::to_string(items.size()));
  }
  TokenPrompt prompt;
  prompt.ids.reserve(items.size());
  for (const JsonValue& item : items) {
    const auto id = ToUnsigned(item, kMaxTokens);
    if (!id.has_value()) {
      return BadField("prompt", "invalid_value", "'prompt' holds something that is no token id");
    }
    prompt.ids.push_back(TokenId(static_cast<uint32_t>(*id)));
  }
  return prompt;
}

// One entry of a list of prompts.
StatusOr<Prompt> ReadPrompt(const JsonValue& value, bool omit_bos, const RequestLimits& limits) {
  if (value.AsString() != nullptr) {
    return Prompt(TextPrompt{.text = *value.AsString(), .omit_bos = omit_bos});
  }
  if (value.AsArray() != nullptr) {
    ASSIGN_OR_RETURN(TokenPrompt prompt, ReadTokenIds(*value.AsArray(), limits));
    return Prompt(std::move(prompt));
  }
  return BadField(
      "prompt", "invalid_type",
      "'prompt' must be a string, an array of strings, token ids or arrays of token ids");
}

StatusOr<std::vector<Prompt>> ReadPrompts(JsonFields& fields, const RequestLimits& limits) {
  const bool omit_bos = !fields.Bool("add_special_tokens").value_or(true);
  const JsonValue* const value = fields.Get("prompt");
  if (value == nullptr) fields.FailMissing("prompt");
  RETURN_IF_ERROR(fields.status());
  const JsonValue::Array* const items = value->AsArray();
  const bool is_list = items != nullptr && !items->empty() && items->front().AsNumber() == nullptr;
  std::vector<Prompt> prompts;
  if (!is_list) {
    ASSIGN_OR_RETURN(Prompt prompt, ReadPrompt(*value, omit_bos, limits));
    prompts.push_back(std::move(prompt));
    return prompts;
  }
  if (items->size() > limits.prompts) {
    fields.FailValue("prompt", "at most " + std::to_string(limits.prompts) + " prompts");
    return fields.status();
  }
  for (const JsonValue& item : *items) {
    ASSIGN_OR_RETURN(Prompt prompt, ReadPrompt(item, omit_bos, limits));
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

// We draw exactly n, so best_of may only say the same.
void CheckBestOf(JsonFields& fields, const GenerationOptions& options) {
  const auto best_of = fields.Unsigned("best_of", 0, 20);
  if (!best_of.has_value() || *best_of == options.choices_per_prompt || *best_of == 0) return;
  if (*best_of < options.choices_per_prompt) {
    return fields.FailValue("best_of", "at least 'n'");
  }
  fields.FailUnsupported("best_of");
}

StatusOr<JsonValue> ParseObject(std::string_view body, const RequestLimits& limits) {
  ASSIGN_OR_RETURN(JsonValue root, ParseJson(body, limits.json));
  if (root.AsObject() == nullptr) {
    return BadField("", "invalid_json",
                    std::string("the request body must be an object, but is ") + root.TypeName());
  }
  return root;
}

}  // namespace

StatusOr<ChatRequest> ParseChatRequest(std::string_view body, const RequestLimits& limits) {
  ASSIGN_OR_RETURN(const JsonValue root, ParseObject(body, limits));
  JsonFields fields(root);
  ChatRequest request;
  request.options = ReadGenerationOptions(fields, limits);
  request.options.max_tokens = ReadChatMaxTokens(fields);
  ReadChatLogprobs(fields, limits, request);
  RefuseUnlessEmpty(fields, {"echo"});
  CheckToolChoice(fields, "tool_choice");
  CheckToolChoice(fields, "function_call");
  const JsonValue* const modalities = fields.Get("modalities");
  if (modalities != nullptr && !IsTextOnly(*modalities)) fields.FailUnsupported("modalities");
  request.prompt.continue_final_message = fields.Bool("continue_final_message").value_or(false);
  RETURN_IF_ERROR(fields.status());
  ASSIGN_OR_RETURN(request.prompt.messages, ReadMessages(fields, limits));
  if (LastMessageIsPrefix(fields)) request.prompt.continue_final_message = true;
  if (request.prompt.continue_final_message && request.prompt.messages.back().role != "assistant") {
    fields.FailValue("messages", "ended by an assistant message when the final one is continued");
  }
  RETURN_IF_ERROR(fields.status());
  return request;
}

StatusOr<CompletionRequest> ParseCompletionRequest(std::string_view body,
                                                   const RequestLimits& limits) {
  ASSIGN_OR_RETURN(const JsonValue root, ParseObject(body, limits));
  JsonFields fields(root);
  CompletionRequest request;
  request.options = ReadGenerationOptions(fields, limits);
  request.echo = fields.Bool("echo").value_or(false);
  const auto logprobs = fields.Unsigned("logprobs", 0, limits.completion_logprobs);
  if (logprobs.has_value()) request.logprobs = static_cast<uint32_t>(*logprobs);
  // Nothing to generate makes sense only when the prompt itself is the answer.
  const uint64_t least = request.echo ? 0 : 1;
  request.options.max_tokens =
      static_cast<uint32_t>(fields.Unsigned("max_tokens", least, kMaxTokens).value_or(16));
  CheckBestOf(fields, request.options);
  RefuseUnlessEmpty(fields, {"suffix"});
  RETURN_IF_ERROR(fields.status());
  ASSIGN_OR_RETURN(request.prompts, ReadPrompts(fields, limits));
  return request;
}

}  // namespace windrose::router
