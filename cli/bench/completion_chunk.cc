#include "cli/bench/completion_chunk.h"

#include <boost/json.hpp>

#include "cli/chat/stream_chunk.h"

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

std::optional<CompletionUsage> ReadUsage(const boost::json::object& usage) {
  const auto prompt_tokens = CountAt(usage, "prompt_tokens");
  const auto completion_tokens = CountAt(usage, "completion_tokens");
  if (!prompt_tokens || !completion_tokens) return std::nullopt;
  return CompletionUsage{*prompt_tokens, *completion_tokens};
}

}  // namespace

StatusOr<CompletionChunk> ParseCompletionChunk(std::string_view data) {
  ASSIGN_OR_RETURN(const StreamChunk event, ParseStreamChunk(data));
  return CompletionChunk{.done = event.done,
                         .has_text = HasText(event.choice, "text"),
                         .finished = HasText(event.choice, "finish_reason"),
                         .usage = ReadUsage(event.usage)};
}

}  // namespace windrose::cli
