#include "common/net/http_head.h"

#include <gtest/gtest.h>

namespace windrose {
namespace {

TEST(HttpHead, ParsesWhatTheGateLetThrough) {
  HttpRequest request;
  ASSERT_TRUE(ParseHttpHead(
      "POST /x HTTP/1.1\r\nHost: a\r\nX-Mixed-Case:  v \r\nContent-Length: 5\r\n\r\n", request));
  EXPECT_EQ(request.method, "POST");
  ASSERT_NE(request.Field("x-mixed-case"), nullptr);
  EXPECT_EQ(*request.Field("x-mixed-case"), "v");
  EXPECT_EQ(request.FieldCount("host"), 1u);
}

TEST(HttpHead, RefusesWhatIsNoHead) {
  HttpRequest request;
  EXPECT_FALSE(ParseHttpHead("", request));
  EXPECT_FALSE(ParseHttpHead("nonsense\r\n\r\n", request));
  EXPECT_FALSE(ParseHttpHead("GET / HTTP/1.1\r\nHost: a\r\n", request));
}

TEST(HttpHead, FormatsResponses) {
  HttpHeadEnding ending;
  ending.content_length = 3;
  ending.close = true;
  EXPECT_EQ(*FormatHttpHead(200, {{"Content-Type", "text/plain"}}, {"req-1", 784111777}, ending),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Request-Id: req-1\r\n"
            "X-Content-Type-Options: nosniff\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
}

TEST(HttpHead, KeepsTheServersFieldsToItself) {
  const std::string head = *FormatHttpHead(200,
                                           {{"content-length", "99"},
                                            {"Transfer-Encoding", "chunked"},
                                            {"Server", "x"},
                                            {"date", "never"}},
                                           {"id"}, {});
  EXPECT_EQ(head.find("99"), std::string::npos);
  EXPECT_EQ(head.find("chunked"), std::string::npos);
  EXPECT_EQ(head.find("Server"), std::string::npos);
  EXPECT_EQ(head.find("never"), std::string::npos);
}

TEST(HttpHead, RefusesToSplitAResponse) {
  EXPECT_FALSE(FormatHttpHead(200, {{"X", "a\r\nSet-Cookie: x"}}, {"id"}, {}).has_value());
}

TEST(HttpHead, SaysWhichMethodsThereAre) {
  const std::string answer = FormatHttpRefusal({405, "method_not_allowed", "no"}, {"id"});
  EXPECT_NE(answer.find("\r\nAllow: GET"), std::string::npos);
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\"code\":\"method_not_allowed\""), std::string::npos);
}

TEST(HttpHead, AcceptsHarmlessRequestIdsOnly) {
  EXPECT_TRUE(IsHarmlessRequestId("a-Z_0.9:x"));
  EXPECT_TRUE(IsHarmlessRequestId(std::string(128, 'a')));
  for (const std::string& id :
       {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\r\nb"),
        std::string("\xC3\xA9"), std::string("<x>")}) {
    EXPECT_FALSE(IsHarmlessRequestId(id)) << id;
  }
}

}  // namespace
}  // namespace windrose
