#include "common/model/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <string>

namespace windrose {
namespace {

using ::testing::HasSubstr;

std::string WhyNot(const std::string& text, const StrictJsonLimits& limits = {}) {
  const Status status = ParseStrictJsonObject(text, limits).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
  return Message(status);
}

std::string Nested(size_t depth) {
  std::string text = "0";
  for (size_t i = 0; i < depth; ++i) text = i % 2 == 0 ? "[" + text + "]" : "{\"a\":" + text + "}";
  return "{\"a\":" + text + "}";
}

TEST(StrictJson, RefusesAKeyThatStandsTwiceHoweverItIsWritten) {
  EXPECT_THAT(WhyNot(R"({"a":1,"b":2,"a":1})"), HasSubstr("key \"a\" stands twice"));
  EXPECT_THAT(WhyNot(R"({"a":1,"\u0061":1})"), HasSubstr("stands twice"));
  EXPECT_THAT(WhyNot(R"({"x":[{"y":{"a":1,"a":2}}]})"), HasSubstr("stands twice"));
  EXPECT_THAT(WhyNot(R"({"":1,"":1})"), HasSubstr("stands twice"));
}

TEST(StrictJson, AllowsAKeyOnceInEachObject) {
  EXPECT_TRUE(ParseStrictJsonObject(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})").ok());
  // The inner object's keys are forgotten behind its end, the outer one's are not.
  EXPECT_THAT(WhyNot(R"({"a":{"b":1},"b":2,"a":3})"), HasSubstr("key \"a\" stands twice"));
}

TEST(StrictJson, TakesTheLimitsAndNotOneMore) {
  EXPECT_TRUE(ParseStrictJsonObject(Nested(15)).ok());
  EXPECT_THAT(WhyNot(Nested(16)), HasSubstr("bad JSON"));
  // The object itself counts.
  EXPECT_TRUE(ParseStrictJsonObject(R"({"a":[1,2]})", {.max_values = 4}).ok());
  EXPECT_THAT(WhyNot(R"({"a":[1,2]})", {.max_values = 3}), HasSubstr("more values than allowed"));
  EXPECT_THAT(WhyNot("{}", {.max_values = 0}), HasSubstr("more values than allowed"));
}

TEST(StrictJson, BuildsTheTreeOfTheText) {
  const auto object = ParseStrictJsonObject(
      R"({"a":[1,-2,18446744073709551615,true,null,[]],"\u00e9":{"b":"x\ny"},"c":{}})");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(boost::json::serialize(*object),
            "{\"a\":[1,-2,18446744073709551615,true,null,[]],"
            "\"\xC3\xA9\":{\"b\":\"x\\ny\"},\"c\":{}}");
}

// The library alone is off by one unit in the last place for each of these.
TEST(StrictJson, RoundsNumbersToTheNearestDouble) {
  const auto object =
      ParseStrictJsonObject(R"({"a":111.20032862800001,"b":133755541.75400001,"c":-1.5e300})");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->at("a").as_double(), 111.20032862800001);
  EXPECT_EQ(object->at("b").as_double(), 133755541.75400001);
  EXPECT_EQ(object->at("c").as_double(), -1.5e300);
}

TEST(StrictJson, RefusesNumbersThatNoDoubleHolds) {
  EXPECT_THAT(WhyNot(R"({"a":1e999})"), HasSubstr("1e999\" is out of a double's range"));
  EXPECT_THAT(WhyNot(R"({"a":1e-999})"), HasSubstr("out of a double's range"));
}

TEST(StrictJson, RefusesWhatIsNotOneObject) {
  for (const char* text : {"", " ", "[]", "1", "null", "\"a\"", "{", "{}{}", "{} x", "{\"a\":1,}",
                           "{'a':1}", "{\"a\":NaN}", "// c\n{}", "{\"a\":\"\xFF\"}"}) {
    WhyNot(text);
  }
  EXPECT_TRUE(ParseStrictJsonObject(" {} \n").ok());
}

TEST(StrictJson, SaysWhereItBreaks) {
  EXPECT_THAT(WhyNot(R"({"a":1 "b":2})"), HasSubstr("at byte 7"));
}

TEST(Quoted, ShowsAnythingAsAShortLine) {
  EXPECT_EQ(Quoted("a\nb\x1B[1m\xC3\xA9\0"), "\"a?b?[1m??\"");
  EXPECT_EQ(Quoted(std::string(100, 'x')), "\"" + std::string(100, 'x') + "\"");
  EXPECT_EQ(Quoted(std::string(101, 'x')), "\"" + std::string(100, 'x') + "…\"");
}

}  // namespace
}  // namespace windrose
