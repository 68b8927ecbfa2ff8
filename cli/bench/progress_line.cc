#include "cli/bench/progress_line.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace windrose::cli {
namespace {

constexpr size_t kWidth = 20;

// How much of the level is done, 0 to 1. Tokens move smoothly; failed requests bring none.
double ShareDone(const LoadProgress& progress) {
  const double of_requests = progress.finished / static_cast<double>(progress.level.requests);
  const double of_tokens =
      progress.expected_tokens == 0
          ? 0
          : static_cast<double>(progress.tokens) / static_cast<double>(progress.expected_tokens);
  return std::min(1.0, std::max(of_requests, of_tokens));
}

// "24 s left"; empty while nobody can know.
std::string TimeLeft(const LoadProgress& progress, double share) {
  std::optional<double> seconds;
  const double elapsed = ToSeconds(progress.elapsed);
  if (share > 0) seconds = elapsed * (1 - share) / share;
  if (progress.limit) {
    const double to_limit = std::max(0.0, ToSeconds(*progress.limit) - elapsed);
    seconds = seconds ? std::min(*seconds, to_limit) : to_limit;
  }
  if (!seconds) return "";
  const auto whole = static_cast<int64_t>(std::ceil(*seconds));
  if (whole < 120) return ", " + std::to_string(whole) + " s left";
  return ", " + std::to_string((whole + 59) / 60) + " min left";
}

}  // namespace

std::string FormatProgress(const LoadProgress& progress) {
  const double share = ShareDone(progress);
  const auto filled = static_cast<size_t>(share * kWidth);
  const double seconds = ToSeconds(progress.elapsed);
  const double rate = seconds > 0 ? static_cast<double>(progress.tokens) / seconds : 0;
  char numbers[96];
  std::snprintf(numbers, sizeof(numbers), "] %u/%u requests, %.1f tokens/s", progress.finished,
                progress.level.requests, rate);
  return std::to_string(progress.level.concurrency) +
         (progress.level.concurrency == 1 ? " stream [" : " streams [") + std::string(filled, '#') +
         std::string(kWidth - filled, '-') + numbers + TimeLeft(progress, share);
}

}  // namespace windrose::cli
