#include "cli/chat/stream_chunk.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(ParseStreamChunk, TakesTheFirstChoiceAndTheCounts) {
  const auto chunk =
      ParseStreamChunk(R"({"choices":[{"text":"a"},{"text":"b"}],"usage":{"prompt_tokens":3}})");
  ASSERT_TRUE(chunk.ok());
  EXPECT_FALSE(chunk->done);
  EXPECT_EQ(chunk->choice.at("text"), "a");
  EXPECT_EQ(chunk->usage.at("prompt_tokens"), 3);
}

TEST(ParseStreamChunk, NeedsNeitherOfThem) {
  for (const char* const data : {R"({"choices":[]})", R"({"choices":[1],"usage":null})"}) {
    const auto chunk = ParseStreamChunk(data);
    ASSERT_TRUE(chunk.ok()) << data;
    EXPECT_TRUE(chunk->choice.empty() && chunk->usage.empty()) << data;
  }
  EXPECT_TRUE(ParseStreamChunk("[DONE]")->done);
}

TEST(ParseStreamChunk, TellsErrorsFromWhatIsNoChunk) {
  const Status error = ParseStreamChunk(R"({"error":{"message":"m"}})").status();
  EXPECT_EQ(error.code(), StatusCode::kUnavailable);
  EXPECT_EQ(Message(error), "m");
  for (const char* const data : {"", "{", "[]", "{}", R"({"choices":{}})"}) {
    EXPECT_EQ(ParseStreamChunk(data).status().code(), StatusCode::kInvalidArgument) << data;
  }
}

}  // namespace
}  // namespace windrose::cli
