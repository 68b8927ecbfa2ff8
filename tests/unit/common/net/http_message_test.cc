#include "common/net/http_message.h"

#include <gtest/gtest.h>

namespace windrose {
namespace {

TEST(HttpMessage, FindsFieldsByLowerCaseName) {
  HttpRequest request;
  request.fields = {{"accept", "a"}, {"x", "1"}, {"x", "2"}};
  ASSERT_NE(request.Field("x"), nullptr);
  EXPECT_EQ(*request.Field("x"), "1");
  EXPECT_EQ(request.FieldCount("x"), 2u);
  EXPECT_EQ(request.Field("y"), nullptr);
  EXPECT_EQ(request.FieldCount("y"), 0u);
}

TEST(HttpMessage, ReadsQueryValues) {
  EXPECT_EQ(QueryValue("a=1&b=two+words%21&c", "b"), "two words!");
  EXPECT_EQ(QueryValue("a=1&c", "c"), "");
  EXPECT_EQ(QueryValue("a=1", "b"), std::nullopt);
  EXPECT_EQ(QueryValue("", "a"), std::nullopt);
  EXPECT_EQ(QueryValue("a=%4", "a"), std::nullopt);
  EXPECT_EQ(QueryValue("a=%zz", "a"), std::nullopt);
  EXPECT_EQ(QueryValue("&&a=1", "a"), "1");
}

TEST(HttpMessage, TellsJsonContentTypes) {
  for (const char* value : {"application/json", "Application/JSON ; charset=UTF-8",
                            "application/json;charset=\"utf-8\"", "application/json;"}) {
    EXPECT_TRUE(IsJsonContentType(value)) << value;
  }
  for (const char* value :
       {"", "text/plain", "application/jsonp", "application/json; charset=utf-16",
        "application/json, text/plain", "application/json; x=y"}) {
    EXPECT_FALSE(IsJsonContentType(value)) << value;
  }
}

TEST(HttpMessage, EscapesErrorBodies) {
  EXPECT_EQ(HttpErrorBody("say \"no\"\r\n\\\x01", "t", "c"),
            "{\"error\":{\"message\":\"say \\\"no\\\"\\u000d\\u000a\\\\\\u0001\",\"type\":\"t\","
            "\"param\":null,\"code\":\"c\"}}\n");
}

TEST(HttpMessage, SendsNoFieldThatCouldSplitAResponse) {
  EXPECT_TRUE(IsSendableField({"X-Name", "any text\twith tab, and h\xC3\xA9"}));
  for (const HttpField& field : {HttpField{"X", "a\r\nSet-Cookie: x"}, HttpField{"X", "a\nb"},
                                 HttpField{"X", std::string("a\0b", 3)}, HttpField{"X Y", "a"},
                                 HttpField{"", "a"}, HttpField{"X:", "a"}}) {
    EXPECT_FALSE(IsSendableField(field));
  }
}

TEST(HttpMessage, NamesStatuses) {
  EXPECT_EQ(HttpReason(404), "Not Found");
  EXPECT_EQ(HttpReason(299), "Unknown");
}

}  // namespace
}  // namespace windrose
