#include "cli/convert/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/manual_clock.h"

namespace windrose::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(FormatProgress, SaysHowFarHowFastAndHowLong) {
  EXPECT_EQ(FormatProgress({5'000'000'000, 0, 20'000'000'000, Seconds(10)}),
            "25 %, 5.0 of 20.0 GB, 500 MB/s, 0:30 left");
  EXPECT_EQ(FormatProgress({1'000'000, 0, 4'000'000, Seconds(3600)}),
            "25 %, 1.0 of 4.0 MB, 0 MB/s, 3:00:00 left");
}

TEST(FormatProgress, CountsOnlyWhatThisRunDid) {
  EXPECT_EQ(FormatProgress({15'000'000'000, 10'000'000'000, 20'000'000'000, Seconds(10)}),
            "75 %, 15.0 of 20.0 GB, 500 MB/s, 0:10 left");
}

TEST(FormatProgress, GuessesNothingAtTheBeginning) {
  EXPECT_EQ(FormatProgress({0, 0, 20'000'000'000, Seconds(0)}), "0 %, 0.0 of 20.0 GB");
  EXPECT_EQ(FormatProgress({0, 0, 0, Seconds(1)}), "100 %, 0.0 of 0.0 MB");
}

TEST(ProgressBar, PrintsAPlainLineNowAndThenIntoALog) {
  ManualClock clock{TimePoint(Seconds(100))};
  std::ostringstream out;
  ProgressBar bar(clock, out, false);
  bar.Show(0, 1'000'000);
  clock.now += Seconds(9);
  bar.Show(500'000, 1'000'000);
  EXPECT_EQ(out.str(), "0 %, 0.0 of 1.0 MB\n");
  clock.now += Seconds(1);
  bar.Show(600'000, 1'000'000);
  bar.End("done");
  EXPECT_THAT(out.str(), HasSubstr("\n60 %"));
  EXPECT_THAT(out.str(), HasSubstr("\ndone in 10.0 s"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\r")));
}

// A source with hashes is read whole before the first byte is written.
TEST(ProgressBar, CountsTheTimeFromTheFirstCall) {
  ManualClock clock{TimePoint(Seconds(100))};
  std::ostringstream out;
  ProgressBar bar(clock, out, false);
  clock.now += Seconds(300);
  bar.Show(0, 4'000'000'000);
  clock.now += Seconds(10);
  bar.Show(1'000'000'000, 4'000'000'000);
  EXPECT_THAT(out.str(), HasSubstr("25 %, 1.0 of 4.0 GB, 100 MB/s, 0:30 left"));
  bar.End("done");
  EXPECT_THAT(out.str(), HasSubstr("\ndone in 10.0 s (100 MB/s)"));
}

TEST(ProgressBar, DrawsOneLineAgainOnATerminal) {
  ManualClock clock{TimePoint(Seconds(100))};
  std::ostringstream out;
  ProgressBar bar(clock, out, true);
  bar.Show(0, 1'000'000);
  clock.now += Seconds(1);
  bar.Show(500'000, 1'000'000);
  EXPECT_THAT(out.str(), HasSubstr("\r[###############               ] 50 %"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\n")));
  clock.now += Milliseconds(99);
  const std::string before = out.str();
  bar.Show(600'000, 1'000'000);
  EXPECT_EQ(out.str(), before);
}

}  // namespace
}  // namespace windrose::cli
