#include "cli/chat/api_request.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(ParseUrl, TakesHostAndPort) {
  EXPECT_EQ(*ParseUrl("http://127.0.0.1:8080"), (HostPort{"127.0.0.1", 8080}));
  EXPECT_EQ(*ParseUrl("http://localhost:8080/"), (HostPort{"localhost", 8080}));
  EXPECT_EQ(*ParseUrl("http://[::1]:8080"), (HostPort{"::1", 8080}));
}

TEST(ParseUrl, KnowsThePortOfHttp) {
  EXPECT_EQ(*ParseUrl("http://windrose.example"), (HostPort{"windrose.example", 80}));
}

TEST(ParseUrl, RefusesEverythingElse) {
  EXPECT_FALSE(ParseUrl("127.0.0.1:8080").ok());
  EXPECT_FALSE(ParseUrl("https://127.0.0.1:8080").ok());
  EXPECT_FALSE(ParseUrl("http://").ok());
  EXPECT_FALSE(ParseUrl("http://host:0").ok());
  EXPECT_EQ(Message(ParseUrl("http://host:8080/v1").status()),
            "wanted http://host:port, got http://host:8080/v1");
}

TEST(HttpFailure, KeepsApartWhatCallersTellApart) {
  EXPECT_EQ(HttpFailure(400, "x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(HttpFailure(404, "x").code(), StatusCode::kNotFound);
  EXPECT_EQ(HttpFailure(503, "x").code(), StatusCode::kUnavailable);
  EXPECT_EQ(Message(HttpFailure(503, R"({"error":{"message":"m"}})")), "HTTP 503: m");
  EXPECT_EQ(Message(HttpFailure(503, "")), "HTTP 503, and no word why");
}

TEST(ApiFields, SendsAKeyOnlyWhenThereIsOne) {
  EXPECT_EQ(ApiFields("").size(), 1U);
  EXPECT_EQ(ApiFields("k").size(), 2U);
}

}  // namespace
}  // namespace windrose::cli
