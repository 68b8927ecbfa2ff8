#include "cli/chat/chat_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "tests/support/manual_clock.h"

namespace windrose::cli {
namespace {

using testing::HasSubstr;

// Plays the same events for every question.
class FakeBackend final : public ChatBackend {
 public:
  Status Ask(const std::string& body, const EventCallback& on_event) override {
    bodies.push_back(body);
    for (const std::string& event : events) {
      if (!on_event(event)) return Cancelled("cut");
    }
    return bodies.size() > refused_from ? status : OkStatus();
  }
  StatusOr<std::string> DefaultModel() override { return std::string("demo"); }

  std::vector<std::string> events = {R"({"choices":[{"delta":{"content":"4"}}]})",
                                     R"({"choices":[{"delta":{"content":"2"}}]})", "[DONE]"};
  Status status;
  size_t refused_from = 0;  // questions before it are answered, whatever the status says
  std::vector<std::string> bodies;
};

class ChatSessionTest : public testing::Test {
 protected:
  Status Run(const std::string& input, bool interactive = false) {
    std::istringstream in(input);
    ChatSession session(backend_, clock_, {in, out_, notes_, interactive}, ChatOptions());
    return session.Run();
  }

  FakeBackend backend_;
  ManualClock clock_{TimePoint()};
  std::ostringstream out_;
  std::ostringstream notes_;
};

TEST_F(ChatSessionTest, PrintsTheAnswerAloneWhenPiped) {
  EXPECT_TRUE(Run("What is 17 + 25?\n").ok());
  EXPECT_EQ(out_.str(), "42\n");
  EXPECT_EQ(notes_.str(), "");
}

TEST_F(ChatSessionTest, AsksTheLastLineWithoutLineEnd) {
  EXPECT_TRUE(Run("one\r\n\n  \ntwo").ok());
  EXPECT_EQ(backend_.bodies.size(), 2U);
}

TEST_F(ChatSessionTest, RemembersWhatWasSaidUntilReset) {
  EXPECT_TRUE(Run("one\ntwo\n/reset\nthree\n").ok());
  EXPECT_THAT(backend_.bodies[1], HasSubstr(R"("content":"42")"));
  EXPECT_THAT(backend_.bodies[2], testing::Not(HasSubstr(R"("content":"42")")));
}

TEST_F(ChatSessionTest, LeavesAtExit) {
  EXPECT_TRUE(Run("/exit\none\n").ok());
  EXPECT_TRUE(backend_.bodies.empty());
}

TEST_F(ChatSessionTest, ExplainsAnUnknownCommand) {
  EXPECT_TRUE(Run("/what\n").ok());
  EXPECT_THAT(notes_.str(), HasSubstr("unknown command /what"));
  EXPECT_TRUE(backend_.bodies.empty());
}

TEST_F(ChatSessionTest, NeverTakesABrokenAnswerForAWholeOne) {
  backend_.events.pop_back();
  EXPECT_EQ(Run("one\n").code(), StatusCode::kDataLoss);
  EXPECT_THAT(notes_.str(), HasSubstr("broke off"));
}

// On a terminal; in a pipe an answer's bytes are the answer's.
TEST_F(ChatSessionTest, ShowsNoTerminalCommandsOfAnAnswer) {
  backend_.events = {R"({"choices":[{"delta":{"content":"a\u001b]0;b\n"}}]})", "[DONE]"};
  EXPECT_TRUE(Run("one\n").ok());
  std::istringstream in("two\n");
  const ChatStreams streams{in, out_, notes_, false, true};
  EXPECT_TRUE(ChatSession(backend_, clock_, streams, ChatOptions()).Run().ok());
  EXPECT_EQ(out_.str(), "a\x1b]0;b\n\na?]0;b\n\n");
}

TEST_F(ChatSessionTest, GoesOnBehindAnAnswerThatWasCut) {
  backend_.events.pop_back();
  backend_.status = Cancelled("cut");
  EXPECT_TRUE(Run("one\ntwo\n").ok());
  EXPECT_THAT(notes_.str(), HasSubstr("(cut)"));
  EXPECT_THAT(backend_.bodies[1], HasSubstr(R"("content":"42")")) << "as far as it came";
}

TEST_F(ChatSessionTest, ForgetsABrokenAnswer) {
  backend_.events.pop_back();
  EXPECT_FALSE(Run("one\ntwo\n").ok());
  EXPECT_THAT(backend_.bodies[1], testing::Not(HasSubstr("\"one\"")));
}

TEST_F(ChatSessionTest, PrefersTheStreamsOwnErrorToTheBrokenConnection) {
  backend_.events = {R"({"error":{"message":"expert 3 is gone"}})"};
  backend_.status = DataLoss("connection broke");
  EXPECT_EQ(Message(Run("one\n")), "expert 3 is gone");
}

TEST_F(ChatSessionTest, ShowsPromptAndRateOnATerminal) {
  backend_.events.insert(backend_.events.begin() + 2,
                         R"({"choices":[],"usage":{"completion_tokens":2}})");
  EXPECT_TRUE(Run("one\n", true).ok());
  EXPECT_THAT(notes_.str(), HasSubstr("> "));
  EXPECT_THAT(notes_.str(), HasSubstr("2 tokens, "));
}

TEST_F(ChatSessionTest, TellsTheWayOutWhenAConversationIsRefused) {
  backend_.status = InvalidArgument("the context is 1024 tokens");
  EXPECT_FALSE(Run("one\n").ok());
  EXPECT_THAT(notes_.str(), testing::Not(HasSubstr("/reset"))) << "there is nothing to forget";
  backend_.refused_from = 1;
  backend_.bodies.clear();
  EXPECT_FALSE(Run("one\ntwo\n").ok());
  EXPECT_THAT(notes_.str(), HasSubstr("/reset"));
}

TEST_F(ChatSessionTest, EndsThePromptsLineWhenTheInputEnds) {
  EXPECT_TRUE(Run("", true).ok());
  EXPECT_EQ(notes_.str(), "> \n");
}

TEST_F(ChatSessionTest, ShowsNoRateOfTokensThatNobodyCounted) {
  EXPECT_TRUE(Run("one\n", true).ok());
  EXPECT_EQ(notes_.str(), "> > \n");
}

}  // namespace
}  // namespace windrose::cli
