#include "common/base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace windrose {
namespace {

std::string Repair(std::string_view bytes) {
  Utf8Stream stream;
  std::string text;
  stream.Push(bytes, &text);
  stream.Flush(&text);
  return text;
}

TEST(Utf8Stream, KeepsValidTextOfEveryLength) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF";
  EXPECT_EQ(Repair(text), text);
}

TEST(Utf8Stream, HoldsAnIncompleteCharacter) {
  Utf8Stream stream;
  std::string text;
  stream.Push("x\xF0\x9F\x98", &text);
  EXPECT_EQ(text, "x");
  EXPECT_TRUE(stream.holding());
  stream.Push("\x80", &text);
  EXPECT_EQ(text, "x\xF0\x9F\x98\x80");
  EXPECT_FALSE(stream.holding());
}

// The example of the Unicode Standard, table 3-8 (and its neighbours 3-9 to 3-11).
TEST(Utf8Stream, ReplacesMaximalSubparts) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(Repair("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(Repair("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(Repair("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(Repair("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

TEST(Utf8Stream, FlushReplacesWhatIsHeldOnce) {
  EXPECT_EQ(Repair("a\xE2\x82"), "a\xEF\xBF\xBD");
  EXPECT_EQ(Repair(""), "");
}

TEST(Utf8Stream, GivesTheSameTextForEveryCut) {
  const std::string bytes = "a\xE2\x82\xAC\x80\xF0\x9F\x98z\xE1\x80\xC3\xA9\xF0\x9F\x98\x80";
  const std::string whole = Repair(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Utf8Stream stream;
    std::string text;
    stream.Push(std::string_view(bytes).substr(0, cut), &text);
    stream.Push(std::string_view(bytes).substr(cut), &text);
    stream.Flush(&text);
    EXPECT_EQ(text, whole) << "cut at " << cut;
  }
}

TEST(Utf8Prefix, CutsBetweenCharacters) {
  const std::string_view text = "a\xC3\xA9\xF0\x9F\x98\x80";  // 1, 2 and 4 bytes
  for (const auto& [limit, bytes] : std::vector<std::pair<size_t, size_t>>{
           {0, 0}, {1, 1}, {2, 1}, {3, 3}, {4, 3}, {6, 3}, {7, 7}, {8, 7}}) {
    EXPECT_EQ(Utf8Prefix(text, limit), text.substr(0, bytes)) << limit;
  }
}

TEST(IsValidUtf8, RefusesOverlongSurrogatesAndTruncation) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("caf\xC3\xA9 \xF0\x9F\x98\x80"));
  EXPECT_FALSE(IsValidUtf8("\xC0\x80"));
  EXPECT_FALSE(IsValidUtf8("\xED\xA0\x80"));
  EXPECT_FALSE(IsValidUtf8("\xE2\x82"));
  EXPECT_FALSE(IsValidUtf8("\xF4\x90\x80\x80"));
}

}  // namespace
}  // namespace windrose
