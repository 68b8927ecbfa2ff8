#include <gtest/gtest.h>

#include <string>

#include "common/obs/process_log.h"

namespace windrose {
namespace {

TEST(LogFormat, WritesKeysAndValues) {
  EXPECT_EQ(
      FormatLogLine("worker_up", {{"worker", 3}, {"address", "127.0.0.1:7101"}, {"why", "a b"}}),
      "worker_up worker=3 address=127.0.0.1:7101 why=\"a b\"");
}

TEST(LogFormat, KeepsALineALine) {
  const std::string line =
      FormatLogLine("bad\nevent", {{"key\r\n", "x\ny\rz\x1b[31m\x7f"}, {"empty", ""}});
  EXPECT_EQ(line, "\"bad\\nevent\" \"key\\r\\n\"=\"x\\ny\\rz\\x1b[31m\\x7f\" empty=\"\"");
}

TEST(LogFormat, LeavesNoWayToForgeAField) {
  EXPECT_EQ(EscapeLogValue("1 admin=true"), "\"1 admin=true\"");
  EXPECT_EQ(EscapeLogValue("1\" admin=\"true"), "\"1\\\" admin=\\\"true\"");
  EXPECT_EQ(EscapeLogValue("a=b"), "\"a=b\"");
  EXPECT_EQ(EscapeLogValue("a\\"), "\"a\\\\\"");
}

TEST(LogFormat, KeepsTextAndEscapesWhatIsNone) {
  EXPECT_EQ(EscapeLogValue("h\xC3\xA9"), "\"h\xC3\xA9\"");
  EXPECT_EQ(EscapeLogValue("\xF0\x9F\x98\x80"), "\"\xF0\x9F\x98\x80\"");
  EXPECT_EQ(EscapeLogValue("\xC0\x80"), "\"\\xc0\\x80\"") << "overlong";
  EXPECT_EQ(EscapeLogValue("\xED\xA0\x80"), "\"\\xed\\xa0\\x80\"") << "surrogate";
  EXPECT_EQ(EscapeLogValue("\xC3"), "\"\\xc3\"") << "cut";
  EXPECT_EQ(EscapeLogValue("\xF5\x80\x80\x80"), "\"\\xf5\\x80\\x80\\x80\"") << "above U+10FFFF";
  EXPECT_EQ(EscapeLogValue("\xC2\x9B"), "\"\\xc2\\x9b\"") << "control sequence introducer";
  EXPECT_EQ(EscapeLogValue("\xE2\x80\xA8"), "\"\\xe2\\x80\\xa8\"") << "line separator";
  EXPECT_EQ(EscapeLogValue("\xE2\x80\xAE"), "\"\\xe2\\x80\\xae\"") << "right-to-left override";
}

TEST(LogFormat, CutsLongValues) {
  const std::string escaped = EscapeLogValue(std::string(100000, 'a'));
  EXPECT_EQ(escaped.size(), 512 + 5u);
  EXPECT_EQ(escaped.substr(escaped.size() - 4), "...\"");
  EXPECT_EQ(EscapeLogValue(std::string(512, 'a')), std::string(512, 'a'));
}

TEST(LogFormat, ReadsLevels) {
  EXPECT_EQ(*ParseLogLevel("warn"), LogLevel::kWarn);
  EXPECT_FALSE(ParseLogLevel("WARN").ok());
  EXPECT_FALSE(ParseLogLevel("").ok());
}

}  // namespace
}  // namespace windrose
