#include "cli/supervise/announcer.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(Announcer, CurlLineIsOneShellCommand) {
  EXPECT_EQ(
      CurlLine("http://127.0.0.1:8080", "demo", "What is 17 + 25?"),
      "curl -s http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' "
      R"(-d '{"model":"demo","messages":[{"role":"user","content":"What is 17 + 25?"}],"temperature":0}')");
}

TEST(Announcer, CurlLineTakesQuotesOfAnyKind) {
  EXPECT_TRUE(
      CurlLine("http://h:1", "demo", R"(What's "2+2"?)")
          .ends_with(R"({"role":"user","content":"What'\''s \"2+2\"?"}],"temperature":0}')"));
}

}  // namespace
}  // namespace windrose::cli
