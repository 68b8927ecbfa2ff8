#include "cli/supervise/announcer.h"

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

}  // namespace

void Announcer::EndProgressLine() {
  if (progress_shown_) std::fputs("\r\033[K", stderr);
  progress_shown_ = false;
}

void Announcer::Starting(size_t ready_count, size_t count, const std::string& waiting_for) {
  if (!terminal_) return;
  std::fprintf(stderr, "\r\033[Kstarting: %zu of %zu ready, waiting for %.60s", ready_count, count,
               waiting_for.c_str());
  std::fflush(stderr);
  progress_shown_ = true;
}

void Announcer::Ready(const std::string& url, const std::string& curl_line, Duration took) {
  EndProgressLine();
  std::fprintf(stderr, "all processes ready after %.1f s; Ctrl-C stops the cluster\n",
               ToSeconds(took));
  std::fprintf(stdout, "ready %s\n%s\n", url.c_str(), curl_line.c_str());
  std::fflush(stdout);
}

void Announcer::Note(const std::string& line) {
  EndProgressLine();
  std::fprintf(stderr, "%s\n", line.c_str());
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
