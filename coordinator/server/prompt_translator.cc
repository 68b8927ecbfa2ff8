#include "coordinator/server/prompt_translator.h"

#include <utility>

#include "common/base/utf8.h"
#include "coordinator/server/error_detail.h"
#include "coordinator/text/chat_template.h"

namespace windrose {
namespace {

namespace pb = inference::v1;

Status CheckPromptBytes(size_t bytes, const RequestLimits& limits, const std::string& param) {
  if (bytes <= limits.prompt_bytes) return OkStatus();
  return FieldError(param, "wanted at most " + std::to_string(limits.prompt_bytes) +
                               " bytes of text; got " + std::to_string(bytes));
}

Status CheckChatSize(const pb::ChatPrompt& prompt, const RequestLimits& limits) {
  const auto count = static_cast<size_t>(prompt.messages_size());
  if (count > limits.messages) {
    return FieldError("messages", "wanted at most " + std::to_string(limits.messages) + "; got " +
                                      std::to_string(count));
  }
  size_t bytes = 0;
  for (const pb::ChatMessage& message : prompt.messages()) bytes += message.content().size();
  return CheckPromptBytes(bytes, limits, "messages");
}

}  // namespace

Status CheckModelName(const ServedModel& model, const std::string& name) {
  if (model.Answers(name)) return OkStatus();
  return WithErrorCode(
      NotFound("model: wanted '" + model.id + "'; got '" + Utf8Prefix(name, 64) + "'"),
      "model_not_found", "model");
}

StatusOr<std::vector<TokenId>> TranslateChat(const Tokenizer& tokenizer,
                                             const pb::ChatPrompt& prompt,
                                             const RequestLimits& limits) {
  RETURN_IF_ERROR(CheckChatSize(prompt, limits));
  std::vector<ChatMessage> messages;
  messages.reserve(static_cast<size_t>(prompt.messages_size()));
  for (const pb::ChatMessage& message : prompt.messages()) {
    messages.push_back({message.role(), message.content()});
  }
  StatusOr<std::vector<TokenId>> ids =
      BuildChatPrompt(tokenizer, messages, prompt.continue_final_message());
  if (ids.ok() || ids.status().code() != StatusCode::kInvalidArgument) return ids;
  // The message begins with the field: "messages[3].role: wanted …".
  const std::string message = Message(ids.status());
  return WithErrorCode(ids.status(), "invalid_value", message.substr(0, message.find(':')));
}

StatusOr<std::vector<TokenId>> TranslateText(const Tokenizer& tokenizer,
                                             const pb::TextPrompt& prompt,
                                             const RequestLimits& limits) {
  RETURN_IF_ERROR(CheckPromptBytes(prompt.text().size(), limits, "prompt"));
  std::vector<TokenId> ids;
  if (!prompt.omit_bos()) ids.push_back(tokenizer.bos());
  ASSIGN_OR_RETURN(const std::vector<TokenId> encoded, tokenizer.Encode(prompt.text()));
  ids.insert(ids.end(), encoded.begin(), encoded.end());
  return ids;
}

StatusOr<std::vector<TokenId>> TranslateIds(const Tokenizer& tokenizer,
                                            const google::protobuf::RepeatedField<uint32_t>& ids,
                                            const std::string& param) {
  std::vector<TokenId> translated;
  translated.reserve(static_cast<size_t>(ids.size()));
  for (const uint32_t id : ids) {
    if (id >= tokenizer.vocabulary_size()) {
      return FieldError(param, "wanted token ids below " +
                                   std::to_string(tokenizer.vocabulary_size()) + "; got " +
                                   std::to_string(id));
    }
    translated.emplace_back(id);
  }
  return translated;
}

}  // namespace windrose
