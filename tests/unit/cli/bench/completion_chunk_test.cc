#include "cli/bench/completion_chunk.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(ParseCompletionChunk, SeesText) {
  const auto chunk = ParseCompletionChunk(R"({"choices":[{"text":"42","finish_reason":null}]})");
  ASSERT_TRUE(chunk.ok());
  EXPECT_TRUE(chunk->has_text);
  EXPECT_FALSE(chunk->finished || chunk->done || chunk->usage);
}

TEST(ParseCompletionChunk, DoesNotTakeAnEmptyTextForAPiece) {
  const auto chunk = ParseCompletionChunk(R"({"choices":[{"text":"","finish_reason":"length"}]})");
  ASSERT_TRUE(chunk.ok());
  EXPECT_FALSE(chunk->has_text);
  EXPECT_TRUE(chunk->finished);
}

TEST(ParseCompletionChunk, ReadsUsage) {
  const auto chunk = ParseCompletionChunk(
      R"({"choices":[],"usage":{"prompt_tokens":16,"completion_tokens":7,"total_tokens":23}})");
  ASSERT_TRUE(chunk.ok() && chunk->usage);
  EXPECT_EQ(chunk->usage->prompt_tokens, 16U);
  EXPECT_EQ(chunk->usage->completion_tokens, 7U);
}

TEST(ParseCompletionChunk, LeavesOutUsageThatIsNone) {
  for (const char* usage : {"null", "{}", R"({"prompt_tokens":1})", "7",
                            R"({"prompt_tokens":1,"completion_tokens":-1})",
                            R"({"prompt_tokens":1,"completion_tokens":"2"})"}) {
    const auto chunk = ParseCompletionChunk(R"({"choices":[],"usage":)" + std::string(usage) + "}");
    ASSERT_TRUE(chunk.ok()) << usage;
    EXPECT_FALSE(chunk->usage) << usage;
  }
}

TEST(ParseCompletionChunk, KnowsTheEnd) { EXPECT_TRUE(ParseCompletionChunk("[DONE]")->done); }

TEST(ParseCompletionChunk, TurnsAnErrorIntoItsMessage) {
  const auto chunk = ParseCompletionChunk(R"({"error":{"message":"expert 3 is gone"}})");
  EXPECT_EQ(chunk.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Message(chunk.status()), "expert 3 is gone");
}

TEST(ParseCompletionChunk, RefusesWhatIsNoChunk) {
  for (const char* data : {"", "[1]", "{}", R"({"choices":1})", "{"}) {
    EXPECT_EQ(ParseCompletionChunk(data).status().code(), StatusCode::kInvalidArgument) << data;
  }
}

}  // namespace
}  // namespace windrose::cli
