#include "common/config/config_file.h"

#include <gtest/gtest.h>

#include <string>

namespace windrose {
namespace {

std::string Refusal(const std::string& text) {
  const auto entries = ParseConfigText(text, "f");
  return entries.ok() ? "accepted" : Message(entries.status());
}

TEST(ConfigFile, ReadsKeysValuesAndComments) {
  const auto entries = ParseConfigText(
      "# comment\n\nport = 8080 # behind\r\nlong_name=\"a # \\\"b\\\"\\n\"\n"
      "list = [ one, \"two\" ]\nempty = []\nlast = x",
      "f");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 5u);
  EXPECT_EQ((*entries)[0].key, "port");
  EXPECT_EQ((*entries)[0].value, "8080");
  EXPECT_EQ((*entries)[0].line, 3u);
  EXPECT_EQ((*entries)[1].key, "long-name");
  EXPECT_EQ((*entries)[1].value, "a # \"b\"\n");
  EXPECT_EQ((*entries)[2].value, "one,two");
  EXPECT_EQ((*entries)[3].value, "");
  EXPECT_EQ((*entries)[4].value, "x");
}

TEST(ConfigFile, RefusesWithThePlace) {
  EXPECT_EQ(Refusal("a = 1\nb"), "f:2: wanted key = value");
  EXPECT_EQ(Refusal("[section]\na = 1"), "f:1: wanted key = value; there are no sections");
  EXPECT_EQ(Refusal("a = 1\na = 1"), "f:2: a: wanted each key once, it stands in line 1 too");
  EXPECT_EQ(Refusal("a-b = 1\na_b = 1"), "f:2: a-b: wanted each key once, it stands in line 1 too");
  EXPECT_EQ(Refusal("a = \"x"), "f:1: a: wanted a closing quote");
  EXPECT_EQ(Refusal("a = \"\\q\""), "f:1: a: wanted one of \\\" \\\\ \\n \\t in a string");
  EXPECT_EQ(Refusal("a = 1 2"), "f:1: a: wanted one value, got more");
  EXPECT_EQ(Refusal("a = [1, 2"), "f:1: a: wanted ',' or ']' in a list");
  EXPECT_EQ(Refusal("a = [\"1,2\"]"), "f:1: a: wanted list items without a comma inside");
  for (const std::string list : {"[\"\", x]", "[x, \"\"]", "[\"\"]"}) {
    EXPECT_EQ(Refusal("a = " + list), "f:1: a: wanted list items, none of them empty") << list;
  }
  EXPECT_EQ(Refusal("a = \t1"), "f:1: wanted no tabs or control bytes, got byte 9");
}

TEST(ConfigFile, RefusesWhatOtherFormatsWouldExpand) {
  EXPECT_NE(Refusal("a = &anchor [x]"), "accepted");
  EXPECT_NE(Refusal("a = *anchor"), "accepted");
  EXPECT_NE(Refusal("a: 1"), "accepted");
  EXPECT_NE(Refusal("a = {b = 1}"), "accepted");
  EXPECT_NE(Refusal("a = [[1]]"), "accepted");
  EXPECT_NE(Refusal("a ="), "accepted");
  EXPECT_NE(Refusal("= 1"), "accepted");
  EXPECT_NE(Refusal(std::string("a = \0", 5)), "accepted");
}

TEST(ConfigFile, RefusesAnEndlessFile) {
  EXPECT_EQ(Refusal(std::string(kLargestConfigFile + 1, '\n')),
            "f:1: wanted at most 1048576 bytes, got 1048577");
  EXPECT_EQ(Refusal(std::string(kLargestConfigFile, '\n')), "accepted");
}

TEST(ConfigFile, ReadsRegularFilesOnly) {
  EXPECT_EQ(ReadConfigFile("/dev/zero").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadConfigFile("/").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadConfigFile("/no/such/file").status().code(), StatusCode::kNotFound);
}

// This one can be opened, but not read from its beginning.
TEST(ConfigFile, RefusesWhatCannotBeRead) {
  const StatusOr<std::string> text = ReadConfigFile("/proc/self/mem");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(Message(text.status()), "/proc/self/mem: wanted a readable file");
}

TEST(ConfigFile, QuotesSoThatItReadsBack) {
  const std::string value = "a \"b\" \\ \n \t # [x]";
  const auto entries = ParseConfigText("k = " + QuoteConfigValue(value), "f");
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ(entries->front().value, value);
}

}  // namespace
}  // namespace windrose
