// What the events of streamed answers have in common, of chats and of completions. Pure function;
// thread-safe.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "common/base/status.h"

namespace windrose::cli {

struct StreamChunk {
  bool done = false;           // "[DONE]"
  boost::json::object choice;  // the first; empty when the event has none
  boost::json::object usage;   // empty when the event has none
};

// An error event becomes UNAVAILABLE with its message; what is no chunk is INVALID_ARGUMENT.
StatusOr<StreamChunk> ParseStreamChunk(std::string_view data);

}  // namespace windrose::cli
