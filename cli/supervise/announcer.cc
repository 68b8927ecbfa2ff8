#include "cli/supervise/announcer.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <deque>
#include <fstream>

namespace windrose::cli {
namespace {

constexpr size_t kTailLines = 12;

// One word of a shell: between quotes, where only a quote has a meaning.
std::string ShellWord(const std::string& text) {
  std::string word = "'";
  for (const char byte : text) word += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
  return word + "'";
}

// To stderr, or nowhere while nobody reads it: a process that waits here would supervise nothing.
// What is ready to be written to takes PIPE_BUF bytes.
void Say(const std::string& text) {
  pollfd stream{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&stream, 1, 0) != 1 || (stream.revents & POLLOUT) == 0) return;
  std::fwrite(text.data(), 1, std::min<size_t>(text.size(), PIPE_BUF), stderr);
}

}  // namespace

void Announcer::EndProgressLine() {
  if (progress_shown_) Say("\r\033[K");
  progress_shown_ = false;
}

void Announcer::Starting(size_t ready_count, size_t count, const std::string& waiting_for) {
  if (!terminal_) return;
  Say("\r\033[Kstarting: " + std::to_string(ready_count) + " of " + std::to_string(count) +
      " ready, waiting for " + waiting_for.substr(0, 60));
  progress_shown_ = true;
}

void Announcer::Ready(const std::string& url, const std::string& curl_line, Duration took) {
  char seconds[32];
  std::snprintf(seconds, sizeof(seconds), "%.1f", ToSeconds(took));
  Note("all processes ready after " + std::string(seconds) + " s; Ctrl-C stops the cluster");
  std::fprintf(stdout, "ready %s\n%s\n", url.c_str(), curl_line.c_str());
  std::fflush(stdout);
}

void Announcer::Note(const std::string& line) {
  EndProgressLine();
  Say(line + "\n");
}

void Announcer::ShowLogTail(const std::string& log_path) {
  std::ifstream file(log_path);
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > kTailLines) lines.pop_front();
  }
  Note("the end of " + log_path + ":");
  for (const std::string& line : lines) Note("  " + line);
}

std::string CurlLine(const std::string& url, const std::string& model,
                     const std::string& question) {
  const boost::json::value message = {{"role", "user"}, {"content", question}};
  const boost::json::value body = {
      {"model", model}, {"messages", boost::json::array{message}}, {"temperature", 0}};
  return "curl -s " + url + "/v1/chat/completions -H 'Content-Type: application/json' -d " +
         ShellWord(boost::json::serialize(body));
}

}  // namespace windrose::cli
