#include "cli/chat/conversation.h"

#include <boost/json.hpp>

#include "cli/chat/stream_chunk.h"

namespace windrose::cli {
namespace {

boost::json::object MessageJson(std::string_view role, std::string_view content) {
  boost::json::object message;
  message["role"] = role;
  message["content"] = content;
  return message;
}

void ReadChoice(const boost::json::object& choice, ChatChunk& chunk) {
  if (const auto* delta = choice.if_contains("delta"); delta != nullptr && delta->is_object()) {
    const auto* content = delta->get_object().if_contains("content");
    if (content != nullptr && content->is_string()) chunk.text = content->get_string();
  }
  const auto* reason = choice.if_contains("finish_reason");
  if (reason != nullptr && reason->is_string()) chunk.finish_reason = reason->get_string().c_str();
}

void ReadUsage(const boost::json::object& usage, ChatChunk& chunk) {
  const auto* tokens = usage.if_contains("completion_tokens");
  if (tokens != nullptr && tokens->is_int64()) chunk.completion_tokens = tokens->get_int64();
}

}  // namespace

std::string Conversation::RequestBody(std::string_view question) const {
  boost::json::array messages;
  if (!options_.system.empty()) messages.push_back(MessageJson("system", options_.system));
  for (const Turn& turn : turns_) {
    messages.push_back(MessageJson("user", turn.question));
    messages.push_back(MessageJson("assistant", turn.answer));
  }
  messages.push_back(MessageJson("user", question));

  boost::json::object body;
  body["model"] = options_.model;
  body["messages"] = std::move(messages);
  body["temperature"] = options_.temperature;
  body["max_tokens"] = options_.max_tokens;
  if (options_.seed) body["seed"] = *options_.seed;
  body["stream"] = true;
  body["stream_options"] = boost::json::object{{"include_usage", true}};
  return boost::json::serialize(body);
}

void Conversation::Append(std::string question, std::string answer) {
  turns_.push_back({std::move(question), std::move(answer)});
}

StatusOr<ChatChunk> ParseChunk(std::string_view data) {
  ASSIGN_OR_RETURN(const StreamChunk event, ParseStreamChunk(data));
  ChatChunk chunk;
  chunk.done = event.done;
  ReadChoice(event.choice, chunk);
  ReadUsage(event.usage, chunk);
  return chunk;
}

}  // namespace windrose::cli
