#include "cli/bench/completion_chunk.h"

#include <boost/json.hpp>

#include "cli/chat/model_list.h"

namespace windrose::cli {
namespace {

// The string at object[key] is there and not empty.
bool HasText(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() && !value->get_string().empty();
}

std::optional<uint64_t> CountAt(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return static_cast<uint64_t>(value->get_int64());
}

std::optional<CompletionUsage> ReadUsage(const boost::json::object& chunk) {
  const boost::json::value* usage = chunk.if_contains("usage");
  if (usage == nullptr || !usage->is_object()) return std::nullopt;
  const auto prompt_tokens = CountAt(usage->get_object(), "prompt_tokens");
  const auto completion_tokens = CountAt(usage->get_object(), "completion_tokens");
  if (!prompt_tokens || !completion_tokens) return std::nullopt;
  return CompletionUsage{*prompt_tokens, *completion_tokens};
}

}  // namespace

StatusOr<CompletionChunk> ParseCompletionChunk(std::string_view data) {
  CompletionChunk chunk;
  if (data == "[DONE]") {
    chunk.done = true;
    return chunk;
  }
  boost::json::error_code error;
  const boost::json::value document = boost::json::parse(data, error);
  if (error || !document.is_object()) return InvalidArgument("an event of the stream is not JSON");
  const boost::json::object& object = document.get_object();
  if (object.contains("error")) return Unavailable(ErrorMessage(data));
  const boost::json::value* choices = object.if_contains("choices");
  if (choices == nullptr || !choices->is_array()) {
    return InvalidArgument("an event of the stream has no choices");
  }
  const boost::json::array& list = choices->get_array();
  if (!list.empty() && list.front().is_object()) {
    const boost::json::object& choice = list.front().get_object();
    chunk.has_text = HasText(choice, "text");
    chunk.finished = HasText(choice, "finish_reason");
  }
  chunk.usage = ReadUsage(object);
  return chunk;
}

}  // namespace windrose::cli
