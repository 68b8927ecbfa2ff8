#include "cli/bench/level_summary.h"

#include <gtest/gtest.h>

#include "scripted_client.h"

namespace windrose::cli {
namespace {

std::vector<double> OneTo(int last) {
  std::vector<double> values;
  for (int value = last; value >= 1; --value) values.push_back(value);
  return values;
}

// First piece after `first_ms`, then `gaps` pieces 10 ms apart, whole 5 ms behind the last.
StreamRecord Answer(int64_t begin_ms, int64_t first_ms, int gaps) {
  StreamRecord record;
  record.outcome = Outcome::kOk;
  record.begin = At(begin_ms);
  record.first_piece = At(begin_ms + first_ms);
  record.last_piece = At(begin_ms + first_ms + 10 * gaps);
  record.end = record.last_piece + Milliseconds(5);
  record.gaps.assign(static_cast<size_t>(gaps), Milliseconds(10));
  record.prompt_tokens = 16;
  record.generated_tokens = static_cast<uint64_t>(gaps) + 1;
  record.is_counted = true;
  return record;
}

StreamRecord Failure(const std::string& error) {
  StreamRecord record;
  record.error = error;
  return record;
}

TEST(Distribute, TakesTheNearestRank) {
  const auto hundred = Distribute(OneTo(100));
  ASSERT_TRUE(hundred);
  EXPECT_EQ(hundred->count, 100U);
  EXPECT_EQ(hundred->p50, 50);
  EXPECT_EQ(hundred->p99, 99);
  EXPECT_EQ(hundred->max, 100);
  EXPECT_DOUBLE_EQ(hundred->mean, 50.5);
  const auto five = Distribute(OneTo(5));
  EXPECT_EQ(five->p50, 3);
  EXPECT_EQ(five->p99, 5);
  EXPECT_EQ(Distribute(OneTo(101))->p99, 100);
  EXPECT_EQ(Distribute(OneTo(200))->p99, 198);
}

TEST(Distribute, IsItsOnlyValue) {
  const auto one = Distribute({7});
  EXPECT_EQ(one->p50, 7);
  EXPECT_EQ(one->p99, 7);
}

TEST(Distribute, IsAbsentWithoutValues) { EXPECT_FALSE(Distribute({})); }

TEST(Summarize, AddsUpAndDividesByTheWholeTime) {
  LevelRun run;
  run.begin = At(1000);
  run.records = {Answer(1000, 30, 4), Answer(1000, 50, 8), Answer(1200, 20, 4)};
  const LevelSummary summary = Summarize(run);
  EXPECT_EQ(summary.ok, 3U);
  EXPECT_EQ(summary.failed + summary.stopped, 0U);
  EXPECT_EQ(summary.prompt_tokens, 48U);
  EXPECT_EQ(summary.generated_tokens, 19U);
  EXPECT_TRUE(summary.counts_are_exact);
  EXPECT_DOUBLE_EQ(summary.seconds, 0.265);
  EXPECT_DOUBLE_EQ(summary.tokens_per_second, 19 / 0.265);
  EXPECT_DOUBLE_EQ(summary.stream_tokens_per_second->p50, 100);
  EXPECT_DOUBLE_EQ(summary.first_token->p50, 0.03);
  EXPECT_DOUBLE_EQ(summary.first_token->p99, 0.05);
  EXPECT_EQ(summary.between_tokens->count, 16U);
  EXPECT_DOUBLE_EQ(summary.between_tokens->p99, 0.01);
  EXPECT_DOUBLE_EQ(summary.whole_answer->p50, 0.075);
  EXPECT_DOUBLE_EQ(summary.whole_answer->p99, 0.135);
}

TEST(Summarize, TakesNoTimesFromFailures) {
  LevelRun run;
  StreamRecord broken = Answer(0, 30, 4);
  broken.outcome = Outcome::kFailed;
  broken.error = "the answer broke off";
  run.records = {broken};
  const LevelSummary summary = Summarize(run);
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(summary.generated_tokens, 0U);
  EXPECT_FALSE(summary.first_token || summary.between_tokens || summary.whole_answer);
}

TEST(Summarize, TakesNoWholeTimeFromCutAnswers) {
  LevelRun run;
  StreamRecord cut = Answer(0, 30, 4);
  cut.outcome = Outcome::kStopped;
  run.records = {cut};
  const LevelSummary summary = Summarize(run);
  EXPECT_EQ(summary.stopped, 1U);
  EXPECT_EQ(summary.generated_tokens, 5U);
  EXPECT_TRUE(summary.first_token && summary.between_tokens);
  EXPECT_FALSE(summary.whole_answer || summary.stream_tokens_per_second);
}

TEST(Summarize, SaysWhenTheServerDidNotCount) {
  LevelRun run;
  run.records = {Answer(0, 30, 4)};
  run.records.front().is_counted = false;
  EXPECT_FALSE(Summarize(run).counts_are_exact);
}

TEST(Summarize, HasNoStreamRateOfASingleToken) {
  LevelRun run;
  run.records = {Answer(0, 30, 0)};
  EXPECT_FALSE(Summarize(run).stream_tokens_per_second);
}

TEST(Summarize, CountsEachMessageOnceMostFrequentFirst) {
  LevelRun run;
  run.records = {Failure("a"), Failure("b"), Failure("b")};
  const LevelSummary summary = Summarize(run);
  ASSERT_EQ(summary.errors.size(), 2U);
  EXPECT_EQ(summary.errors[0].message, "b");
  EXPECT_EQ(summary.errors[0].count, 2U);
  EXPECT_EQ(summary.errors[1].count, 1U);
}

TEST(Summarize, TakesMessagesThatDifferInNumbersForOne) {
  LevelRun run;
  run.records = {Failure("HTTP 400: no token 7"), Failure("HTTP 400: no token 12"),
                 Failure("HTTP 503: no token 7")};
  const LevelSummary summary = Summarize(run);
  ASSERT_EQ(summary.errors.size(), 2U);
  EXPECT_EQ(summary.errors[0].message, "HTTP 400: no token 7");
  EXPECT_EQ(summary.errors[0].count, 2U);
  EXPECT_EQ(summary.errors[1].message, "HTTP 503: no token 7");
}

TEST(Summarize, PutsTheRestOfManyMessagesTogether) {
  LevelRun run;
  for (char letter = 'a'; letter < 'a' + 11; ++letter) {
    run.records.push_back(Failure(std::string(1, letter)));
  }
  const LevelSummary summary = Summarize(run);
  ASSERT_EQ(summary.errors.size(), kMaxErrors + 1);
  EXPECT_EQ(summary.errors.back().message, "other errors");
  EXPECT_EQ(summary.errors.back().count, 3U);
}

TEST(Summarize, IsAllZerosWithoutRecords) {
  const LevelSummary summary = Summarize(LevelRun{});
  EXPECT_EQ(summary.seconds, 0);
  EXPECT_EQ(summary.tokens_per_second, 0);
}

}  // namespace
}  // namespace windrose::cli
