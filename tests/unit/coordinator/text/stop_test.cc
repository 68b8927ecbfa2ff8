#include "coordinator/text/stop.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace windrose {
namespace {

struct Outcome {
  std::string text;
  std::string stop;
  bool operator==(const Outcome&) const = default;
};

Outcome Feed(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) {
    const StopMatcher::Output output = matcher.Push(piece);
    outcome.text += output.text;
    if (!output.matched) continue;
    outcome.stop = matcher.stop_string(*output.matched);
    return outcome;
  }
  outcome.text += matcher.Flush();
  return outcome;
}

// What the class comment promises, by brute force: the match that ends first, the longest of those.
Outcome Reference(const std::vector<std::string>& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    std::string longest;
    for (const std::string& stop : stops) {
      const bool ends_here = !stop.empty() && stop.size() <= end &&
                             text.compare(end - stop.size(), stop.size(), stop) == 0;
      if (ends_here && stop.size() > longest.size()) longest = stop;
    }
    if (!longest.empty()) return {text.substr(0, end - longest.size()), longest};
  }
  return {text, ""};
}

TEST(StopMatcher, PassesTextThroughWithoutStopStrings) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.Push("anything").text, "anything");
  EXPECT_EQ(matcher.Flush(), "");
}

TEST(StopMatcher, ReportsTheTextBeforeTheMatchAndDropsTheRest) {
  EXPECT_EQ(Feed({"END"}, {"one END two"}), (Outcome{"one ", "END"}));
}

TEST(StopMatcher, MatchesAcrossPieces) {
  EXPECT_EQ(Feed({"\n\nHuman:"}, {"yes.\n", "\nHum", "an", ": no"}),
            (Outcome{"yes.", "\n\nHuman:"}));
}

TEST(StopMatcher, HoldsOnlyWhatCouldStillMatch) {
  StopMatcher matcher({"abcd"});
  EXPECT_EQ(matcher.Push("xab").text, "x");
  EXPECT_EQ(matcher.Push("c").text, "");
  EXPECT_EQ(matcher.Push("ab").text, "abc");
  EXPECT_EQ(matcher.Flush(), "ab");
}

TEST(StopMatcher, ReleasesAFalseStartThatOverlapsATrueOne) {
  EXPECT_EQ(Feed({"aab"}, {"a", "a", "a", "a", "b"}), (Outcome{"aa", "aab"}));
}

TEST(StopMatcher, PrefersTheMatchThatEndsFirstAndThenTheLongest) {
  EXPECT_EQ(Feed({"abcdef", "cd"}, {"xabcdef"}), (Outcome{"xab", "cd"}));
  EXPECT_EQ(Feed({"cd", "bcd", "abcd"}, {"xabcd"}), (Outcome{"x", "abcd"}));
}

TEST(StopMatcher, SaysNothingAfterAMatch) {
  StopMatcher matcher({"."});
  EXPECT_EQ(matcher.Push("a.b").text, "a");
  const StopMatcher::Output after = matcher.Push("c.d");
  EXPECT_EQ(after.text, "");
  EXPECT_FALSE(after.matched.has_value());
  EXPECT_EQ(matcher.Flush(), "");
}

TEST(StopMatcher, IgnoresEmptyStopStrings) {
  EXPECT_EQ(Feed({"", "b"}, {"ab"}), (Outcome{"a", "b"}));
  EXPECT_EQ(Feed({""}, {"ab"}), (Outcome{"ab", ""}));
}

TEST(StopMatcher, MatchesBytesOfAnyKind) {
  const std::string nul("\0\n", 2);
  EXPECT_EQ(Feed({nul}, {std::string("a\0", 2), "\nb"}), (Outcome{"a", nul}));
  EXPECT_EQ(Feed({"\xF0\x9F\x98\x80"}, {"ok \xF0\x9F\x98\x81\xF0\x9F\x98\x80"}),
            (Outcome{"ok \xF0\x9F\x98\x81", "\xF0\x9F\x98\x80"}));
}

TEST(StopMatcher, EqualsBruteForceForRandomTextsStopsAndCuts) {
  std::mt19937 random(20240117);
  const auto draw = [&random](size_t below) { return random() % below; };
  for (int trial = 0; trial < 3000; ++trial) {
    std::vector<std::string> stops(1 + draw(4));
    for (std::string& stop : stops) {
      for (size_t n = 1 + draw(5); n > 0; --n) stop.push_back(static_cast<char>('a' + draw(2)));
    }
    std::string text;
    std::vector<std::string> pieces(1);
    for (size_t n = draw(30); n > 0; --n) {
      text.push_back(static_cast<char>('a' + draw(3)));
      pieces.back().push_back(text.back());
      if (draw(3) == 0) pieces.emplace_back();
    }
    ASSERT_EQ(Feed(stops, pieces), Reference(stops, text)) << "trial " << trial << " " << text;
  }
}

}  // namespace
}  // namespace windrose
