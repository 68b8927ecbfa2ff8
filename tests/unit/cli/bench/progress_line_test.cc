#include "cli/bench/progress_line.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

LoadProgress Quarter() {
  LoadProgress progress;
  progress.level = {.concurrency = 8, .requests = 32};
  progress.finished = 8;
  progress.tokens = 512;
  progress.expected_tokens = 2048;
  progress.elapsed = Seconds(8);
  return progress;
}

TEST(FormatProgress, ShowsBarCountsRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress(Quarter()),
            "8 streams [#####---------------] 8/32 requests, 64.0 tokens/s, 24 s left");
}

TEST(FormatProgress, MovesWithTokensBeforeARequestIsDone) {
  LoadProgress progress = Quarter();
  progress.finished = 0;
  progress.tokens = 1024;
  EXPECT_EQ(FormatProgress(progress),
            "8 streams [##########----------] 0/32 requests, 128.0 tokens/s, 8 s left");
}

TEST(FormatProgress, MovesWithFailuresToo) {
  LoadProgress progress = Quarter();
  progress.finished = 24;
  progress.tokens = 0;
  EXPECT_EQ(FormatProgress(progress),
            "8 streams [###############-----] 24/32 requests, 0.0 tokens/s, 3 s left");
}

TEST(FormatProgress, SaysNothingOfTheTimeThatNobodyKnows) {
  LoadProgress progress;
  progress.level = {.concurrency = 1, .requests = 8};
  EXPECT_EQ(FormatProgress(progress), "1 stream [--------------------] 0/8 requests, 0.0 tokens/s");
}

TEST(FormatProgress, EndsAtTheLimitIfThatComesFirst) {
  LoadProgress progress = Quarter();
  progress.limit = Seconds(10);
  EXPECT_EQ(FormatProgress(progress),
            "8 streams [#####---------------] 8/32 requests, 64.0 tokens/s, 2 s left");
  progress.limit = Seconds(3);
  EXPECT_EQ(FormatProgress(progress),
            "8 streams [#####---------------] 8/32 requests, 64.0 tokens/s, 0 s left");
}

TEST(FormatProgress, CountsLongTimesInMinutes) {
  LoadProgress progress = Quarter();
  progress.elapsed = Seconds(60);
  EXPECT_EQ(FormatProgress(progress),
            "8 streams [#####---------------] 8/32 requests, 8.5 tokens/s, 3 min left");
}

TEST(FormatProgress, NeverOverflowsItsBar) {
  LoadProgress progress = Quarter();
  progress.tokens = 4096;
  EXPECT_EQ(FormatProgress(progress),
            "8 streams [####################] 8/32 requests, 512.0 tokens/s, 0 s left");
}

}  // namespace
}  // namespace windrose::cli
