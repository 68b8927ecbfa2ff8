// Announcer: what `windrose up` tells the person in front of it.
//
// The two lines that programs may read, "ready URL" and the curl command, go to stdout; all else
// goes to stderr, as long as somebody reads it. On a terminal the start-up is one line that is
// drawn again. Thread-compatible.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/time.h"

namespace windrose::cli {

class Announcer {
 public:
  explicit Announcer(bool terminal) : terminal_(terminal) {}

  void Starting(size_t ready_count, size_t count, const std::string& waiting_for);
  void Ready(const std::string& url, const std::string& curl_line, Duration took);
  void Note(const std::string& line);
  // The last lines of a log, indented.
  void ShowLogTail(const std::string& log_path);

 private:
  void EndProgressLine();

  bool terminal_;
  bool progress_shown_ = false;
};

// The command that asks the cluster at `url` something, to be pasted into a shell, whatever the
// question holds.
std::string CurlLine(const std::string& url, const std::string& model, const std::string& question);

}  // namespace windrose::cli
