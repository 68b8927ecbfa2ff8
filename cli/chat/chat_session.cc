#include "cli/chat/chat_session.h"

#include <cstdio>
#include <iostream>
#include <optional>

#include "cli/chat/terminal_text.h"

namespace windrose::cli {
namespace {

constexpr const char* kHelp =
    "/reset  forget what was said      /exit  leave (or Ctrl-D)      /help  this line\n"
    "Ctrl-C cuts an answer; twice, or between two answers, it leaves\n";

}  // namespace

// One answer while it streams in.
struct ChatSession::Answer {
  TimePoint begin;
  std::optional<TimePoint> first_text;
  std::string text;
  std::string finish_reason;
  int64_t tokens = 0;
  bool done = false;
  Status status;
};

Status ChatSession::Run() {
  std::string line;
  for (;;) {
    if (streams_.interactive) streams_.notes << "> " << std::flush;
    if (!std::getline(streams_.in, line)) {
      if (streams_.interactive) streams_.notes << "\n";  // the prompt's line has no other end
      break;
    }
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    if (!OnLine(line)) break;
  }
  return last_;
}

bool ChatSession::OnLine(const std::string& line) {
  if (line == "/exit" || line == "/quit") return false;
  if (line == "/help") {
    streams_.notes << kHelp;
  } else if (line == "/reset") {
    conversation_.Reset();
    streams_.notes << "forgotten\n";
  } else if (line.starts_with('/')) {
    streams_.notes << "unknown command " << line << "; " << kHelp;
  } else {
    last_ = Ask(line);
    if (!last_.ok()) streams_.notes << "error: " << Message(last_) << "\n";
    // Most often what was said no longer fits the model's context, nor will the next question.
    if (last_.code() == StatusCode::kInvalidArgument && conversation_.turn_count() > 0) {
      streams_.notes << "/reset forgets what was said before\n";
    }
  }
  return true;
}

Status ChatSession::Ask(const std::string& question) {
  Answer answer;
  answer.begin = clock_.Now();
  Status status = backend_.Ask(conversation_.RequestBody(question), [&](const std::string& data) {
    OnEvent(data, answer);
    return true;
  });
  if (!answer.text.empty()) streams_.out << std::endl;
  // The stream's own words say more than the broken connection that follows them.
  RETURN_IF_ERROR(answer.status);
  const bool was_cut = status.code() == StatusCode::kCancelled;
  if (!was_cut) RETURN_IF_ERROR(status);
  if (!was_cut && !answer.done) return DataLoss("the answer broke off");
  if (was_cut) streams_.notes << "(cut)\n";
  if (answer.finish_reason == "length") streams_.notes << "(cut at the token limit)\n";
  if (streams_.interactive) PrintRate(answer);
  conversation_.Append(question, std::move(answer.text));
  return OkStatus();
}

void ChatSession::OnEvent(const std::string& data, Answer& answer) {
  StatusOr<ChatChunk> chunk = ParseChunk(data);
  if (!chunk.ok()) {
    if (answer.status.ok()) answer.status = chunk.status();
    return;
  }
  if (!chunk->text.empty() && !answer.first_text) answer.first_text = clock_.Now();
  streams_.out << (streams_.terminal ? WithoutControls(chunk->text, "\n\t") : chunk->text)
               << std::flush;
  answer.text += chunk->text;
  if (!chunk->finish_reason.empty()) answer.finish_reason = chunk->finish_reason;
  if (chunk->completion_tokens) answer.tokens = *chunk->completion_tokens;
  answer.done = answer.done || chunk->done;
}

void ChatSession::PrintRate(const Answer& answer) {
  if (!answer.first_text || answer.tokens == 0) return;
  const double seconds = ToSeconds(clock_.Now() - *answer.first_text);
  char line[128];
  std::snprintf(line, sizeof(line), "%lld tokens, %.1f tokens/s, first after %.3f s\n",
                static_cast<long long>(answer.tokens),
                seconds > 0 ? static_cast<double>(answer.tokens - 1) / seconds : 0.0,
                ToSeconds(*answer.first_text - answer.begin));
  streams_.notes << line;
}

}  // namespace windrose::cli
