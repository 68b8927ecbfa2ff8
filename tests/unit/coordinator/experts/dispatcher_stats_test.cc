// What the dispatcher counts, and the deadlines and budgets that it gives.
#include <span>
#include <vector>

#include "tests/unit/coordinator/experts/dispatcher_fixture.h"

namespace windrose {
namespace {

constexpr uint64_t kRowBytes = kHidden * sizeof(float);

TEST_F(DispatcherTest, CountsTheRowsAndBytesOfBothWays) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  for (uint64_t count = 1; count <= 3; ++count) {
    ASSERT_TRUE(Exchange().ok());
    const DispatchStats stats = dispatcher_->Stats();
    EXPECT_EQ(stats.exchanges, count);
    EXPECT_EQ(stats.workers[0].calls, count);
    EXPECT_EQ(stats.workers[0].rows_sent, count * 3);
    EXPECT_EQ(stats.workers[0].bytes_sent, count * 3 * kRowBytes);
    EXPECT_EQ(stats.workers[0].bytes_received, count * 6 * kRowBytes);
    EXPECT_EQ(stats.workers[0].replies, count);
  }
}

TEST_F(DispatcherTest, CountsNoTroubleWhenThereIsNone) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  ASSERT_TRUE(Exchange().ok());
  const DispatchStats stats = dispatcher_->Stats();
  EXPECT_EQ(stats.retries, 0U);
  EXPECT_EQ(stats.late_replies, 0U);
  EXPECT_EQ(Failovers(), 0U);
  EXPECT_EQ(stats.workers[0].errors, 0U);
  EXPECT_EQ(stats.workers[0].overdue, 0U);
}

TEST_F(DispatcherTest, SumsUpRoundTripsAndWaits) {
  transport_.Up(0, {0, 1, 2, 3});
  for (const Duration round_trip : {Milliseconds(3), Milliseconds(4)}) {
    transport_.on_send = [this, round_trip](const auto&) {
      loop_.After(round_trip, [this] { transport_.Answer(transport_.sent.back()); });
    };
    ASSERT_TRUE(Exchange().ok());
    loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(1));  // waits for nobody
  }
  EXPECT_EQ(dispatcher_->Stats().workers[0].round_trips, Milliseconds(7));
  EXPECT_EQ(dispatcher_->waited(), Milliseconds(7));
}

TEST_F(DispatcherTest, EveryCallThatALinkTakesAlongIsAnError) {
  transport_.Up(0, {0, 1, 2, 3}, 2);
  loop_.After(Milliseconds(1), [this] {
    EXPECT_EQ(transport_.sent.size(), 3U);
    transport_.listener()->OnWorkerDown(WorkerId(0), Unavailable("killed"));
    AnswerAll([](const auto&) { return true; });
    transport_.Up(0, {0, 1, 2, 3});
  });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  const DispatchStats stats = dispatcher_->Stats();
  EXPECT_EQ(stats.workers[0].errors, 3U);
  EXPECT_EQ(stats.workers[0].overdue, 0U);
  EXPECT_EQ(Failovers(), 0U) << "it was the same worker";
}

TEST_F(DispatcherTest, ACallLostToABadReplyIsAnError) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  loop_.After(Microseconds(500),
              [this] { transport_.listener()->OnBadReply(WorkerId(0), DataLoss("damaged")); });
  AnswerAll([](const auto& sent) { return sent.worker == WorkerId(1); });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(dispatcher_->Stats().workers[0].errors, 1U);
  EXPECT_EQ(dispatcher_->Stats().workers[1].errors, 0U);
  EXPECT_EQ(dispatcher_->Stats().retries, 1U);
}

TEST_F(DispatcherTest, EveryRefusalIsAnError) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerWith([](const auto& sent) {
    return sent.call.header.attempt < 3 ? StatusCode::kResourceExhausted : StatusCode::kOk;
  });
  ASSERT_TRUE(Exchange().ok());
  const DispatchStats stats = dispatcher_->Stats();
  EXPECT_EQ(stats.workers[0].errors, 3U);
  EXPECT_EQ(stats.workers[0].calls, 4U);
  EXPECT_EQ(stats.workers[0].replies, 1U);
  EXPECT_EQ(stats.workers[0].round_trips, Milliseconds(1));
  EXPECT_EQ(stats.retries, 3U);
}

// Deadlines at 100, 300 and 700 ms: each is twice the one before.
TEST_F(DispatcherTest, CountsEveryDeadlineThatACallLetPass) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(450), [this] { transport_.Answer(transport_.sent[0]); });
  };
  ASSERT_TRUE(Exchange().ok());
  const WorkerStats stats = dispatcher_->Stats().workers[0];
  EXPECT_EQ(stats.overdue, 2U);
  EXPECT_EQ(stats.errors, 0U);
  EXPECT_EQ(stats.replies, 1U);
  EXPECT_EQ(stats.round_trips, Milliseconds(450));
}

TEST_F(DispatcherTest, BreaksTheLinkAtTheThirdDeadlineInARow) {
  transport_.Up(0, {0, 1, 2, 3});
  const TimePoint began = loop_.Now();
  std::vector<Duration> resets;
  transport_.on_reset = [&](WorkerId) { resets.push_back(loop_.Now() - began); };
  transport_.on_send = [this](const auto&) {
    loop_.After(Seconds(1), [this] { transport_.Answer(transport_.sent[0]); });
  };
  ASSERT_TRUE(Exchange().ok());
  EXPECT_EQ(resets, std::vector<Duration>{Milliseconds(700)});
}

TEST_F(DispatcherTest, KeepsWaitingForACallThatOthersCouldTakeOverOnlyInPart) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(150), [this, index = transport_.sent.size() - 1] {
      transport_.Answer(transport_.sent[index]);
    });
  };
  loop_.After(Milliseconds(50), [this] { transport_.Up(1, {0, 1, 2}); });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(transport_.sent.size(), 1U);
}

TEST_F(DispatcherTest, ABudgetIsFourDeadlinesAndEndsWithTheLayer) {
  transport_.Up(0, {0, 1, 2, 3});
  SetLinksUpAgain(Milliseconds(20));
  const TimePoint end = loop_.Now() + Seconds(30);
  bool cut = false;
  transport_.on_send = [&](const ScriptedTransport::Sent& sent) {
    EXPECT_LE(sent.call.budget, end - loop_.Now());
    cut |= sent.call.budget == end - loop_.Now();
  };
  EXPECT_EQ(Exchange().code(), StatusCode::kDeadlineExceeded);
  ASSERT_GT(transport_.sent.size(), 1U);
  EXPECT_EQ(transport_.sent[0].call.budget, Milliseconds(400));
  EXPECT_TRUE(cut);
}

// Six pairs are of the next class of sizes after two, and may take twice as long.
TEST_F(DispatcherTest, ALargerCallGetsMoreTime) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(50), [this] { transport_.Answer(transport_.sent.back()); });
  };
  const GateOutput one_row{
      .top_k = 2, .experts = {ExpertId(0), ExpertId(1)}, .weights = {0.5F, 0.5F}};
  const auto row = std::span<const float>(rows_).first(kHidden);
  for (int layer = 0; layer < 2; ++layer) {
    const DispatchPlan plan = dispatcher_->Plan(one_row);
    ASSERT_TRUE(dispatcher_->Exchange(LayerIndex(0), plan, row, outputs_).ok());
  }
  ASSERT_TRUE(Exchange().ok());
  EXPECT_EQ(transport_.sent[1].call.budget, Milliseconds(4 * 6 * 50));
  EXPECT_EQ(transport_.sent[2].call.budget, Milliseconds(4 * 6 * 100));
}

TEST_F(DispatcherTest, AFrameSaysByWhichPlacementItWasSent) {
  transport_.Up(0, {0, 1, 2});
  AnswerAll([](const auto&) { return true; });
  loop_.After(Milliseconds(100), [this] { transport_.Up(1, {3}); });
  ASSERT_TRUE(Exchange().ok());
  ASSERT_EQ(transport_.sent.size(), 2U);
  EXPECT_EQ(transport_.sent[0].call.header.epoch, 1U);
  EXPECT_EQ(transport_.sent[1].call.header.epoch, 2U);
}

}  // namespace
}  // namespace windrose
