#include "router/api/json.h"

#include <gtest/gtest.h>

#include <limits>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

std::string Repeat(const std::string& piece, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += piece;
  return text;
}

TEST(ParseJson, ReadsEveryType) {
  const auto value =
      ParseJson(R"( {"a":[1,-2.5,"x\u00e9\n",true,null,{}],"b":18446744073709551615} )");
  ASSERT_TRUE(value.ok());
  const auto& items = *value->Find("a")->AsArray();
  EXPECT_EQ(items[0].AsNumber()->magnitude, 1U);
  EXPECT_TRUE(items[0].AsNumber()->integral);
  EXPECT_EQ(items[1].AsNumber()->real, -2.5);
  EXPECT_FALSE(items[1].AsNumber()->integral);
  EXPECT_EQ(*items[2].AsString(), "x\xC3\xA9\n");
  EXPECT_TRUE(*items[3].AsBool());
  EXPECT_TRUE(items[4].is_null());
  EXPECT_NE(items[5].AsObject(), nullptr);
  EXPECT_EQ(value->Find("b")->AsNumber()->magnitude, std::numeric_limits<uint64_t>::max());
}

TEST(ParseJson, RefusesWhatIsNotOneDocument) {
  for (const std::string text : {"",
                                 " ",
                                 "{",
                                 "{}{}",
                                 "{} x",
                                 "\xEF\xBB\xBF{}",
                                 "[1,]",
                                 "{\"a\":1,}",
                                 "'x'",
                                 "NaN",
                                 "Infinity",
                                 "-",
                                 "01",
                                 "1.",
                                 ".5",
                                 "+1",
                                 "\"\x01\"",
                                 "\"\\ud800\"",
                                 "\"\\udc00\"",
                                 "\"\xC0\x80\"",
                                 "\"\xED\xA0\x80\"",
                                 "\"\xFF\"",
                                 "// x\n1",
                                 "1e999",
                                 "-1e999",
                                 "1e-400",
                                 "tru"}) {
    const auto value = ParseJson(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(ErrorCodeOf(value.status()), "invalid_json") << text;
  }
  EXPECT_FALSE(ParseJson(std::string_view("{}\0", 3)).ok());
  EXPECT_FALSE(ParseJson(Repeat("1", 10000)).ok());
}

TEST(ParseJson, AcceptsTheLimitsAndRefusesOneMore) {
  const JsonLimits limits{.depth = 3, .members = 2, .elements = 3, .number_length = 5};
  EXPECT_TRUE(ParseJson("[[[]]]", limits).ok());
  EXPECT_FALSE(ParseJson("[[[[]]]]", limits).ok());
  EXPECT_TRUE(ParseJson(R"({"a":{"b":1}})", limits).ok());
  EXPECT_FALSE(ParseJson(R"({"a":{"b":1},"c":2})", limits).ok());
  EXPECT_TRUE(ParseJson("[1,2,3]", limits).ok());
  EXPECT_FALSE(ParseJson("[1,2,3,4]", limits).ok());
  EXPECT_TRUE(ParseJson("12345", limits).ok());
  EXPECT_FALSE(ParseJson("123456", limits).ok());
}

TEST(ParseJson, RefusesDeepNesting) {
  EXPECT_FALSE(ParseJson(Repeat("[", 100000)).ok());
  EXPECT_FALSE(ParseJson(Repeat("{\"a\":", 100000)).ok());
}

TEST(ParseJson, RefusesDuplicateKeysEvenWhenEscaped) {
  for (const char* const text : {R"({"a":1,"a":2})", R"([{"x":{"a":1,"b":0,"\u0061":2}}])"}) {
    EXPECT_EQ(ErrorCodeOf(ParseJson(text).status()), "duplicate_key") << text;
  }
  EXPECT_TRUE(ParseJson(R"({"a":{"a":1}})").ok());
}

TEST(JsonWriter, PutsCommasAndEscapes) {
  JsonWriter json;
  json.BeginObject().Key("a").BeginArray().Integer(-1).Null().Bool(true).EndArray();
  json.Key("b").String("q\"\\\n\r\t\x01\x7F\xE2\x80\xA8").Key("c").StringOrNull("").EndObject();
  EXPECT_EQ(json.Take(), R"({"a":[-1,null,true],"b":"q\"\\\n\r\t\u0001\u007f\u2028","c":null})");
}

TEST(JsonWriter, MakesInvalidBytesVisible) {
  const std::string bad = std::string("a\xF0\x9F\x98") + "b\xC0\x80" + "\xED\xA0\x80";
  JsonWriter json;
  json.String(bad);
  const auto parsed = ParseJson(json.Take());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed->AsString(), ToValidUtf8(bad));
  EXPECT_EQ(ToValidUtf8("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(CountCharacters("a\xC3\xA9\xF0\x9F\x98\x80"), 3U);
}

TEST(JsonWriter, WritesFloatsShortAndExact) {
  const std::pair<float, std::string> cases[] = {
      {0.0F, "0.0"},
      {-0.1F, "-0.1"},
      {-3.0F, "-3.0"},
      {1e-10F, "1e-10"},
      {-std::numeric_limits<float>::infinity(), "-9999.0"},
      {std::numeric_limits<float>::quiet_NaN(), "-9999.0"}};
  for (const auto& [value, text] : cases) {
    JsonWriter json;
    json.Float(value);
    EXPECT_EQ(json.Take(), text);
  }
}

}  // namespace
}  // namespace windrose::router
