// ProgressBar: how far a long write is, how fast, and how long it will take.
//
// On a terminal one line is drawn again and again; elsewhere a plain line comes now and then, so
// that a log stays readable. Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "common/base/time.h"

namespace windrose::cli {

struct Progress {
  uint64_t bytes = 0;        // done
  uint64_t begin_bytes = 0;  // of these, done before the clock started
  uint64_t total_bytes = 0;
  Duration elapsed{};
};

// "42 %, 11.0 of 26.3 GB, 412 MB/s, 0:37 left". Rate and rest are left out while nothing is known.
std::string FormatProgress(const Progress& progress);

class ProgressBar {
 public:
  ProgressBar(const Clock& clock, std::ostream& out, bool terminal)
      : clock_(clock), out_(out), terminal_(terminal), begin_(clock.Now()) {}

  // May be called often. The first call starts the clock: what came before it wrote nothing.
  void Show(uint64_t bytes, uint64_t total_bytes);
  // Wipes the bar, so that something else can be printed.
  void Clear();
  // Wipes the bar and prints `sentence`, with the time it took and the mean rate behind it.
  void End(const std::string& sentence);

 private:
  const Clock& clock_;
  std::ostream& out_;
  const bool terminal_;
  TimePoint begin_;
  TimePoint next_;
  std::optional<uint64_t> begin_bytes_;
  uint64_t bytes_ = 0;
};

}  // namespace windrose::cli
