// Conversation: what was said so far, and its form in the public interface. Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace windrose::cli {

struct ChatOptions {
  std::string model;
  std::string system;  // empty: none
  double temperature = 0;
  uint32_t max_tokens = 512;
  std::optional<uint64_t> seed;
};

class Conversation {
 public:
  explicit Conversation(ChatOptions options) : options_(std::move(options)) {}

  // The request that asks `question` after all that was said before.
  std::string RequestBody(std::string_view question) const;
  // Remembers a question with its whole answer.
  void Append(std::string question, std::string answer);
  void Reset() { turns_.clear(); }
  size_t turn_count() const { return turns_.size(); }

 private:
  struct Turn {
    std::string question;
    std::string answer;
  };

  ChatOptions options_;
  std::vector<Turn> turns_;
};

// What one event of a streamed answer says.
struct ChatChunk {
  bool done = false;  // "[DONE]"
  std::string text;
  std::string finish_reason;                 // empty until the last piece
  std::optional<int64_t> completion_tokens;  // with the usage event
};

// An error event becomes a status with its message; what is no chunk is INVALID_ARGUMENT.
StatusOr<ChatChunk> ParseChunk(std::string_view data);

}  // namespace windrose::cli
