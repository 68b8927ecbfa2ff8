#include "cli/chat/conversation.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace windrose::cli {
namespace {

ChatOptions Options() {
  ChatOptions options;
  options.model = "demo";
  return options;
}

TEST(Conversation, AsksForAStreamWithUsage) {
  const auto body = boost::json::parse(Conversation(Options()).RequestBody("hi"));
  EXPECT_TRUE(body.at("stream").as_bool());
  EXPECT_TRUE(body.at("stream_options").at("include_usage").as_bool());
  EXPECT_EQ(body.at("model").as_string(), "demo");
  EXPECT_FALSE(body.as_object().contains("seed"));
}

TEST(Conversation, SendsAllThatWasSaidInOrder) {
  ChatOptions options = Options();
  options.system = "be brief";
  Conversation conversation(options);
  conversation.Append("one", "two");
  const auto body = boost::json::parse(conversation.RequestBody("three \"quoted\""));
  const auto& messages = body.at("messages").as_array();
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].at("role").as_string(), "system");
  EXPECT_EQ(messages[1].at("content").as_string(), "one");
  EXPECT_EQ(messages[2].at("role").as_string(), "assistant");
  EXPECT_EQ(messages[3].at("content").as_string(), "three \"quoted\"");
}

TEST(Conversation, ForgetsAfterReset) {
  Conversation conversation(Options());
  conversation.Append("one", "two");
  conversation.Reset();
  EXPECT_EQ(conversation.turn_count(), 0U);
}

TEST(ParseChunk, ReadsTextAndReason) {
  const auto chunk =
      ParseChunk(R"({"choices":[{"index":0,"delta":{"content":"42"},"finish_reason":"stop"}]})");
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(chunk->text, "42");
  EXPECT_EQ(chunk->finish_reason, "stop");
  EXPECT_FALSE(chunk->done);
}

TEST(ParseChunk, AZeroByteDoesNotEndTheText) {
  const auto chunk = ParseChunk(R"({"choices":[{"delta":{"content":"a\u0000b"}}]})");
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(chunk->text, std::string("a\0b", 3));
}

TEST(ParseChunk, ReadsUsageOfTheLastChunk) {
  const auto chunk = ParseChunk(R"({"choices":[],"usage":{"completion_tokens":7}})");
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(chunk->completion_tokens, 7);
}

TEST(ParseChunk, AllowsNullsAndAbsentFields) {
  const auto chunk = ParseChunk(
      R"({"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}],"usage":null})");
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(chunk->text, "");
  EXPECT_EQ(chunk->finish_reason, "");
}

TEST(ParseChunk, KnowsTheEnd) { EXPECT_TRUE(ParseChunk("[DONE]")->done); }

TEST(ParseChunk, TurnsAnErrorIntoItsMessage) {
  const auto chunk = ParseChunk(R"({"error":{"message":"expert 3 is gone","code":"x"}})");
  EXPECT_EQ(Message(chunk.status()), "expert 3 is gone");
}

TEST(ParseChunk, RefusesWhatIsNoChunk) {
  EXPECT_FALSE(ParseChunk("").ok());
  EXPECT_FALSE(ParseChunk("[1]").ok());
  EXPECT_FALSE(ParseChunk("{}").ok());
}

}  // namespace
}  // namespace windrose::cli
