// What a measurement tells: a table for people, JSON for programs. Pure functions; thread-safe.
//
//   {"windrose": "1.0", "url": …, "model": …, "prompt_tokens": 128, "max_tokens": 64, "seed": 0,
//    "vocabulary": 32000, "interrupted": false,
//    "levels": [{"concurrency": 8, "requests": 32, "ok": 32, "failed": 0, "stopped": 0,
//                "prompt_tokens": 4096, "generated_tokens": 2048, "counts_are_exact": true,
//                "seconds": 51.2, "tokens_per_second": 40.0,
//                "stream_tokens_per_second": D, "first_token_ms": D, "between_tokens_ms": D,
//                "whole_answer_ms": D, "errors": [{"message": …, "count": 1}]}]}
//   D = {"count": …, "mean": …, "p50": …, "p99": …, "max": …} | null
#pragma once

#include <string>
#include <vector>

#include "cli/bench/level_summary.h"
#include "cli/bench/load_plan.h"

namespace windrose::cli {

struct BenchReport {
  std::string url;
  LoadShape shape;
  bool interrupted = false;
  std::vector<LevelSummary> levels;
};

// What the columns of the table mean, a line each, for --help.
std::string DescribeColumns();

// Two lines of headings and a line for each level.
std::string FormatTable(const std::vector<LevelSummary>& levels);

// A line for each message of a failed request, and one for answers that were cut; empty when there
// is neither.
std::string FormatTroubles(const std::vector<LevelSummary>& levels);

std::string ToJson(const BenchReport& report);

// Whether any request of any level succeeded.
bool AnySucceeded(const std::vector<LevelSummary>& levels);

}  // namespace windrose::cli
