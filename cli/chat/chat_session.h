// ChatSession: the loop of the terminal chat, from a line typed to an answer printed.
//
// Answers go to `out`; prompts, rates and errors to `notes`, so that a pipe gets the answers alone.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "cli/chat/chat_backend.h"
#include "cli/chat/conversation.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose::cli {

struct ChatStreams {
  std::istream& in;
  std::ostream& out;
  std::ostream& notes;
  bool interactive = false;  // shows a prompt and the rate line
  bool terminal = false;     // `out` is one: no control characters but line ends and tabs
};

class ChatSession {
 public:
  ChatSession(ChatBackend& backend, const Clock& clock, ChatStreams streams, ChatOptions options)
      : backend_(backend), clock_(clock), streams_(streams), conversation_(std::move(options)) {}

  // Until the input ends or /exit. The status of the last answer, so that a script sees failures.
  Status Run();

 private:
  struct Answer;

  // False for /exit.
  bool OnLine(const std::string& line);
  Status Ask(const std::string& question);
  void OnEvent(const std::string& data, Answer& answer);
  void PrintRate(const Answer& answer);

  ChatBackend& backend_;
  const Clock& clock_;
  ChatStreams streams_;
  Conversation conversation_;
  Status last_;
};

}  // namespace windrose::cli
