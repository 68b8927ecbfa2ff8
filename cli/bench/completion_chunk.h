// What one event of a streamed text completion says. Pure function; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/status.h"

namespace windrose::cli {

struct CompletionUsage {
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
};

struct CompletionChunk {
  bool done = false;      // "[DONE]"
  bool has_text = false;  // a piece of the answer that is not empty
  bool finished = false;  // gives the reason why the answer ends
  std::optional<CompletionUsage> usage;
};

// An error event becomes UNAVAILABLE with its message; what is no chunk is INVALID_ARGUMENT.
StatusOr<CompletionChunk> ParseCompletionChunk(std::string_view data);

}  // namespace windrose::cli
