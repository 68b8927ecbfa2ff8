// LevelSummary: what the records of one level of concurrency amount to. Pure functions;
// thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench/load_plan.h"
#include "cli/bench/stream_recorder.h"
#include "common/base/time.h"

namespace windrose::cli {

// Everything that happened at one level.
struct LevelRun {
  Level level;
  TimePoint begin;
  std::vector<StreamRecord> records;
};

struct Distribution {
  uint64_t count = 0;
  double mean = 0;
  double p50 = 0;
  double p99 = 0;
  double max = 0;
};

// A message, the first of those that differ in their numbers alone, and how many they were.
struct ErrorCount {
  std::string message;
  uint64_t count = 0;
};

struct LevelSummary {
  Level level;
  uint64_t ok = 0;
  uint64_t failed = 0;
  uint64_t stopped = 0;
  uint64_t prompt_tokens = 0;     // of requests that did not fail
  uint64_t generated_tokens = 0;  // likewise
  bool counts_are_exact = true;   // every whole answer came with the server's count
  double seconds = 0;             // from the first request to the end of the last answer
  double tokens_per_second = 0;   // generated, of all streams together
  // Absent without samples. Times are in seconds.
  std::optional<Distribution>
      stream_tokens_per_second;                // of each whole answer, from its first token
  std::optional<Distribution> first_token;     // of each answer that began
  std::optional<Distribution> between_tokens;  // of each two neighbours
  std::optional<Distribution> whole_answer;    // of each whole answer
  std::vector<ErrorCount> errors;              // most frequent first
};

constexpr size_t kMaxErrors = 8;  // different messages; what is left is counted as one

// Percentiles by nearest rank: the least value that at least so many percent do not exceed.
std::optional<Distribution> Distribute(std::vector<double> values);

LevelSummary Summarize(const LevelRun& run);

}  // namespace windrose::cli
