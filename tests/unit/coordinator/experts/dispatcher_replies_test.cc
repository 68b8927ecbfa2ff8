// What the dispatcher does after a bad reply, and with what comes when no exchange is under way.
#include <vector>

#include "tests/unit/coordinator/experts/dispatcher_fixture.h"

namespace windrose {
namespace {

TEST_F(DispatcherTest, TheRowsOfABadReplyGoToAnotherHolderAtOnce) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerAll([this](const auto& sent) {
    if (sent.worker == WorkerId(1)) return true;
    loop_.After(Milliseconds(1),
                [this] { transport_.listener()->OnBadReply(WorkerId(0), DataLoss("damaged")); });
    return false;
  });
  const TimePoint began = loop_.Now();
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(loop_.Now() - began, Milliseconds(2)) << "before the link is down";
  EXPECT_EQ(transport_.resets, std::vector{WorkerId(0)});
}

TEST_F(DispatcherTest, WhoAnswersBadlyGetsNothingUntilItIsUpAgain) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(1),
                [this] { transport_.listener()->OnBadReply(WorkerId(0), DataLoss("damaged")); });
  };
  loop_.After(Milliseconds(500), [this] {
    EXPECT_EQ(transport_.sent.size(), 1U);
    AnswerAll([](const auto&) { return true; });
    transport_.Up(0, {0, 1, 2, 3});
  });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(transport_.sent.size(), 2U);
}

TEST_F(DispatcherTest, DoesNotServeWhenTheOnlyWorkerAnsweredBadly) {
  transport_.Up(0, {0, 1, 2, 3});
  ASSERT_TRUE(dispatcher_->Serving(Duration{}));
  transport_.listener()->OnBadReply(WorkerId(0), DataLoss("damaged"));
  EXPECT_FALSE(dispatcher_->Serving(Duration{}));
  EXPECT_FALSE(dispatcher_->Stats().workers[0].up);
  EXPECT_EQ(transport_.resets, std::vector{WorkerId(0)});
}

TEST_F(DispatcherTest, DoesNotServeWhenTheOnlyWorkerDrains) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.listener()->OnWorkerDraining(WorkerId(0));
  EXPECT_FALSE(dispatcher_->Serving(Duration{}));
}

TEST_F(DispatcherTest, DoesNotServeWhileOneExpertOfManyIsAway) {
  transport_.Up(0, {0, 1, 2});
  EXPECT_FALSE(dispatcher_->Serving(Duration{}));
  transport_.Up(1, {3});
  EXPECT_TRUE(dispatcher_->Serving(Duration{}));
}

// Nobody holds expert 3, so that the exchange ends with a call in flight.
class AfterAnExchangeTest : public DispatcherTest {
 protected:
  AfterAnExchangeTest() {
    transport_.Up(0, {0, 1, 2});
    EXPECT_EQ(Exchange().code(), StatusCode::kUnavailable);
    EXPECT_EQ(transport_.sent.size(), 1U);
  }
};

TEST_F(AfterAnExchangeTest, NothingIsSentAgainWhenAWorkerDies) {
  transport_.listener()->OnWorkerDown(WorkerId(0), Unavailable("killed"));
  transport_.Up(0, {0, 1, 2});
  transport_.listener()->OnBadReply(WorkerId(0), DataLoss("damaged"));
  EXPECT_EQ(transport_.sent.size(), 1U);
  EXPECT_EQ(dispatcher_->Stats().workers[0].errors, 0U);
}

TEST_F(AfterAnExchangeTest, AnAnswerIsLateAndNothingElse) {
  transport_.Answer(transport_.sent[0]);
  const DispatchStats stats = dispatcher_->Stats();
  EXPECT_EQ(stats.late_replies, 1U);
  EXPECT_EQ(stats.workers[0].replies, 0U);
  EXPECT_EQ(stats.workers[0].bytes_received, 0U);
}

TEST_F(AfterAnExchangeTest, ALateAnswerEndsASuspicion) {
  ASSERT_TRUE(dispatcher_->Stats().workers[0].suspect);
  transport_.Answer(transport_.sent[0]);
  EXPECT_FALSE(dispatcher_->Stats().workers[0].suspect);
}

TEST_F(DispatcherTest, AfterStopAnExchangeEndsAtOnce) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  dispatcher_->Stop();
  const TimePoint began = loop_.Now();
  EXPECT_EQ(Exchange().code(), StatusCode::kUnavailable);
  EXPECT_EQ(loop_.Now(), began);
}

}  // namespace
}  // namespace windrose
