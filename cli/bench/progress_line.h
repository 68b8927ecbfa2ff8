// The line that shows how far a level is: a bar, counts, the rate, and the time that is left. Pure
// function; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/bench/load_plan.h"
#include "common/base/time.h"

namespace windrose::cli {

struct LoadProgress {
  Level level;
  uint32_t finished = 0;         // requests, whatever their end
  uint64_t tokens = 0;           // generated so far, finished or not
  uint64_t expected_tokens = 0;  // of the whole level
  Duration elapsed{0};
  std::optional<Duration> limit;  // no request begins behind it
};

// "8 streams [#####---------------] 8/32 requests, 41.3 tokens/s, 24 s left"
std::string FormatProgress(const LoadProgress& progress);

}  // namespace windrose::cli
