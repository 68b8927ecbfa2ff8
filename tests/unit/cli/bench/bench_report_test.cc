#include "cli/bench/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace windrose::cli {
namespace {

using testing::HasSubstr;

LevelSummary Measured() {
  LevelSummary level;
  level.level = {.concurrency = 8, .requests = 32};
  level.ok = 31;
  level.failed = 1;
  level.prompt_tokens = 3968;
  level.generated_tokens = 1984;
  level.seconds = 51.25;
  level.tokens_per_second = 38.71;
  level.stream_tokens_per_second = Distribution{31, 5.2, 5.25, 6, 6};
  level.first_token = Distribution{31, 1.5, 1.25, 2.5, 2.5};
  level.between_tokens = Distribution{1953, 0.2, 0.1885, 0.31, 0.5};
  level.whole_answer = Distribution{31, 13, 12.875, 14.5, 14.5};
  level.errors = {{"HTTP 503: no worker holds expert 3", 1}};
  return level;
}

TEST(FormatTable, AlignsItsColumnsRight) {
  LevelSummary failed;
  failed.level.concurrency = 32;
  failed.failed = 128;
  EXPECT_EQ(FormatTable({Measured(), failed}),
            "         requests          tokens             tokens/s          "
            "first ms        between ms       whole ms\n"
            "streams        ok  failed  prompt  generated     total  stream  "
            "     p50   p99         p50  p99       p50    p99\n"
            "      8        31       1    3968       1984      38.7    5.25  "
            "    1250  2500         188  310     12875  14500\n"
            "     32         0     128       0          0         -       -  "
            "       -     -           -    -         -      -\n");
}

TEST(FormatTroubles, ShowsEachMessageAndWhatWasCut) {
  LevelSummary level = Measured();
  level.stopped = 2;
  EXPECT_EQ(FormatTroubles({level}),
            "at 8 streams: 1 failed: HTTP 503: no worker holds expert 3\n"
            "at 8 streams: 2 answers were cut; their tokens count, their whole time does not\n");
}

TEST(FormatTroubles, IsEmptyWhenAllWentWell) {
  EXPECT_EQ(FormatTroubles({LevelSummary{}, LevelSummary{}}), "");
}

TEST(DescribeColumns, NamesEveryHeading) {
  for (const char* heading : {"streams", "ok", "failed", "prompt", "generated", "total", "stream ",
                              "first", "between", "whole", "p50", "p99"}) {
    EXPECT_THAT(DescribeColumns(), HasSubstr(heading));
  }
}

TEST(BenchReportJson, HoldsWhatWasAskedAndWhatCame) {
  BenchReport report;
  report.url = "http://127.0.0.1:8080";
  report.shape = {.model = "demo", .prompt_tokens = 128, .max_tokens = 64, .vocabulary = 1536};
  report.levels = {Measured()};
  const auto root = boost::json::parse(ToJson(report));
  EXPECT_EQ(root.at("url").as_string(), "http://127.0.0.1:8080");
  EXPECT_EQ(root.at("model").as_string(), "demo");
  EXPECT_EQ(root.at("vocabulary").to_number<int>(), 1536);
  EXPECT_FALSE(root.at("interrupted").as_bool());
  const auto& level = root.at("levels").at(0);
  EXPECT_EQ(level.at("concurrency").to_number<int>(), 8);
  EXPECT_EQ(level.at("ok").to_number<int>(), 31);
  EXPECT_EQ(level.at("generated_tokens").to_number<int>(), 1984);
  EXPECT_DOUBLE_EQ(level.at("tokens_per_second").to_number<double>(), 38.71);
  EXPECT_DOUBLE_EQ(level.at("stream_tokens_per_second").at("p50").to_number<double>(), 5.25);
  EXPECT_DOUBLE_EQ(level.at("first_token_ms").at("p50").to_number<double>(), 1250);
  EXPECT_DOUBLE_EQ(level.at("between_tokens_ms").at("p99").to_number<double>(), 310);
  EXPECT_DOUBLE_EQ(level.at("whole_answer_ms").at("max").to_number<double>(), 14500);
  EXPECT_EQ(level.at("errors").at(0).at("count").to_number<int>(), 1);
}

TEST(BenchReportJson, SaysNullWithoutSamples) {
  BenchReport report;
  report.levels = {LevelSummary{}};
  const auto root = boost::json::parse(ToJson(report));
  EXPECT_TRUE(root.at("levels").at(0).at("first_token_ms").is_null());
}

TEST(AnySucceeded, WantsOneAnswer) {
  EXPECT_FALSE(AnySucceeded({}));
  EXPECT_FALSE(AnySucceeded({LevelSummary{}}));
  EXPECT_TRUE(AnySucceeded({LevelSummary{}, Measured()}));
}

}  // namespace
}  // namespace windrose::cli
