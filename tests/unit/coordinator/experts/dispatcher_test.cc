#include "coordinator/experts/dispatcher.h"

#include <functional>
#include <utility>
#include <vector>

#include "tests/unit/coordinator/experts/dispatcher_fixture.h"

namespace windrose {
namespace {

TEST_F(DispatcherTest, SendsARowOnceToAWorkerThatHoldsBothItsExperts) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  ASSERT_TRUE(Exchange().ok());
  ASSERT_EQ(transport_.sent.size(), 1U);
  EXPECT_EQ(transport_.sent[0].call.header.order, dispatcher_->bf16_order());
  EXPECT_EQ(transport_.sent[0].call.row_count, 3U);
  EXPECT_EQ(transport_.sent[0].call.row_index.size(), 6U);
  ExpectRightOutputs();
}

TEST_F(DispatcherTest, SendsNoMoreInAFrameThanTheWorkerTakes) {
  transport_.Up(0, {0, 1, 2, 3}, 4);
  AnswerAll([](const auto&) { return true; });
  ASSERT_TRUE(Exchange().ok());
  ASSERT_EQ(transport_.sent.size(), 2U);
  for (const auto& sent : transport_.sent) EXPECT_LE(sent.call.row_index.size(), 4U);
  ExpectRightOutputs();
}

TEST_F(DispatcherTest, GivesTheRowsOfADeadWorkerToAnotherHolder) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerAll([this](const auto& sent) {
    if (sent.call.header.attempt > 1) return true;
    loop_.After(Milliseconds(2), [this, worker = sent.worker] {
      if (worker == WorkerId(0)) transport_.listener()->OnWorkerDown(worker, Unavailable("killed"));
    });
    return sent.worker != WorkerId(0);
  });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(transport_.sent.back().worker, WorkerId(1));
  const DispatchStats stats = dispatcher_->Stats();
  EXPECT_EQ(stats.retries, 1U);
  EXPECT_EQ(Failovers(), 2U);  // Worker 0 had two of the four experts.
  EXPECT_EQ(stats.workers[0].errors, 1U);
}

TEST_F(DispatcherTest, AsksAnotherHolderWhenADeadlinePasses) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  const TimePoint began = loop_.Now();
  AnswerAll([](const auto& sent) { return sent.worker == WorkerId(1); });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_LT(loop_.Now() - began, Milliseconds(150));
  // The silent one is suspect now: it is not asked while another can answer.
  transport_.sent.clear();
  ASSERT_TRUE(Exchange().ok());
  for (const auto& sent : transport_.sent) EXPECT_EQ(sent.worker, WorkerId(1));
}

TEST_F(DispatcherTest, KeepsWaitingForASlowWorkerThatNobodyCanReplace) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(450), [this] { transport_.Answer(transport_.sent[0]); });
  };
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(transport_.sent.size(), 1U);
}

TEST_F(DispatcherTest, BreaksTheLinkOfAWorkerThatStaysSilent) {
  transport_.Up(0, {0, 1, 2, 3});
  loop_.After(Seconds(3), [this] {
    transport_.listener()->OnWorkerDown(WorkerId(0), Unavailable("reset"));
    AnswerAll([](const auto&) { return true; });
    transport_.Up(0, {0, 1, 2, 3});
  });
  ASSERT_TRUE(Exchange().ok());
  EXPECT_FALSE(transport_.resets.empty());
  ExpectRightOutputs();
}

TEST_F(DispatcherTest, GivesABusyWorkerMoreTimeWithEachDeadlineThoughItsLinkIsReset) {
  transport_.Up(0, {0, 1, 2, 3});
  SetLinksUpAgain(Milliseconds(20));
  transport_.on_send = [this](const auto&) {
    const size_t resets = transport_.resets.size();
    loop_.After(Seconds(5), [this, resets, index = transport_.sent.size() - 1] {
      // A broken link takes its calls along.
      if (transport_.resets.size() == resets) transport_.Answer(transport_.sent[index]);
    });
  };
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(transport_.resets.size(), 1U);
}

TEST_F(DispatcherTest, CallsThatAreOverdueTogetherAreOneSuspicion) {
  transport_.Up(0, {0, 1, 2, 3}, 2);
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(150), [this, index = transport_.sent.size() - 1] {
      transport_.Answer(transport_.sent[index]);
    });
  };
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(transport_.sent.size(), 3U);
  EXPECT_EQ(dispatcher_->Stats().workers[0].overdue, 3U);
  EXPECT_TRUE(transport_.resets.empty());
}

TEST_F(DispatcherTest, TakesTheFirstOfTwoAnswersAndIgnoresTheOther) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(1), [this] {
      transport_.Answer(transport_.sent[0]);
      transport_.Answer(transport_.sent[0]);
    });
  };
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(dispatcher_->Stats().late_replies, 0U);
  transport_.Answer(transport_.sent[0]);  // of an exchange that is over
  EXPECT_EQ(dispatcher_->Stats().late_replies, 1U);
}

TEST_F(DispatcherTest, NeverCombinesAReplyOfAnEarlierExchange) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  ASSERT_TRUE(Exchange().ok());
  const ScriptedTransport::Sent earlier = transport_.sent[0];  // of the same shape and attempt
  for (float& value : rows_) value += 1000;
  transport_.on_send = [&](const auto&) {
    loop_.After(Milliseconds(1), [&] {
      transport_.Answer(earlier);
      transport_.Answer(transport_.sent[1]);
    });
  };
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
}

TEST_F(DispatcherTest, NeverCombinesAReplyThatDoesNotFitItsCall) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  bool lied = false;
  transport_.on_send = [&](const auto&) {
    loop_.After(Milliseconds(1), [&, index = transport_.sent.size() - 1] {
      ScriptedTransport::Sent sent = transport_.sent[index];
      if (!std::exchange(lied, true))
        sent.call.segments[0].expert = ExpertId(3 - sent.call.segments[0].expert.value());
      transport_.Answer(sent);
    });
  };
  SetLinksUpAgain(Seconds(1));
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(transport_.resets.size(), 1U);
  const WorkerId liar = transport_.resets[0];
  EXPECT_EQ(dispatcher_->Stats().workers[liar.value()].errors, 1U);
}

TEST_F(DispatcherTest, GivesUpOnALayerAtTheLimit) {
  transport_.Up(0, {0, 1, 2, 3});
  SetLinksUpAgain(Milliseconds(20));
  const TimePoint began = loop_.Now();
  EXPECT_EQ(Exchange().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(loop_.Now() - began, Seconds(30));
}

TEST_F(DispatcherTest, StopEndsTheExchangeUnderWay) {
  transport_.Up(0, {0, 1, 2, 3});
  loop_.After(Milliseconds(50), [this] { dispatcher_->Stop(); });
  const TimePoint began = loop_.Now();
  EXPECT_EQ(Exchange().code(), StatusCode::kUnavailable);
  EXPECT_EQ(loop_.Now() - began, Milliseconds(50));
}

TEST_F(DispatcherTest, RefusesRepliesToAttemptsLayersAndWorkersItDidNotAsk) {
  using Sent = ScriptedTransport::Sent;
  const std::vector<std::function<void(Sent&)>> lies = {
      [](Sent& sent) { sent.call.header.attempt = 1000; },
      [](Sent& sent) { sent.call.header.layer = LayerIndex(1); },
      [](Sent& sent) { sent.call.header.type = wire::RowType::kBf16; },
      [](Sent& sent) { sent.call.header.order = Bf16Order::kPairs; },
      [](Sent& sent) { sent.worker = WorkerId(1 - sent.worker.value()); },
  };
  for (const auto& lie : lies) {
    transport_.Up(0, {0, 1, 2, 3});
    transport_.Up(1, {0, 1, 2, 3});
    transport_.sent.clear();
    transport_.resets.clear();
    SetLinksUpAgain(Milliseconds(20));
    transport_.on_send = [&](const Sent&) {
      loop_.After(Milliseconds(1), [&, index = transport_.sent.size() - 1] {
        Sent sent = transport_.sent[index];
        if (index == 0) lie(sent);
        transport_.Answer(sent);
      });
    };
    ASSERT_TRUE(Exchange().ok());
    ExpectRightOutputs();
    EXPECT_EQ(transport_.resets.size(), 1U);
  }
}

TEST_F(DispatcherTest, WaitsForALostExpertToReturn) {
  transport_.Up(0, {0, 1, 2});
  AnswerAll([](const auto&) { return true; });
  loop_.After(Seconds(1), [this] { transport_.Up(1, {3}); });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(Failovers(), 0U);
}

TEST_F(DispatcherTest, GivesUpOnALostExpertAtTheLimit) {
  transport_.Up(0, {0, 1, 2});
  AnswerAll([](const auto&) { return true; });
  const TimePoint began = loop_.Now();
  const Status status = Exchange();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(status).find("expert 3"), std::string::npos) << Message(status);
  EXPECT_GE(loop_.Now() - began, Seconds(2) - Milliseconds(1));
  EXPECT_LT(loop_.Now() - began, Milliseconds(2200));
}

TEST_F(DispatcherTest, WhatAnExchangeGaveUpOnIsNotSentInTheNext) {
  transport_.Up(0, {0, 1, 2});
  AnswerAll([](const auto&) { return true; });
  ASSERT_FALSE(Exchange().ok());
  transport_.Up(1, {3});
  transport_.sent.clear();
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(1));  // beyond any pause
  EXPECT_TRUE(Exchange().ok());
  EXPECT_EQ(transport_.sent.size(), 2U);
}

TEST_F(DispatcherTest, AReplyBetweenTwoExchangesIsLate) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  ASSERT_TRUE(Exchange().ok());
  const uint64_t before = dispatcher_->Stats().late_replies;
  transport_.Answer(transport_.sent[0]);
  EXPECT_EQ(dispatcher_->Stats().late_replies, before + 1);
}

TEST_F(DispatcherTest, ServesNewRequestsUntilAnExpertIsAwayForLongerThanTheGrace) {
  EXPECT_FALSE(dispatcher_->Serving(Duration{}));
  transport_.Up(0, {0, 1, 2, 3});
  EXPECT_TRUE(dispatcher_->Serving(Duration{}));
  transport_.listener()->OnWorkerDown(WorkerId(0), Unavailable("killed"));
  EXPECT_FALSE(dispatcher_->Serving(Duration{}));
  EXPECT_TRUE(dispatcher_->Serving(Seconds(1)));
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(2));
  EXPECT_FALSE(dispatcher_->Serving(Seconds(1)));
}

TEST_F(DispatcherTest, HasNoCountersOfAWorkerThatIsNoMore) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  ASSERT_TRUE(Exchange().ok());
  EXPECT_GT(dispatcher_->Stats().workers[0].replies, 0U);
  transport_.listener()->OnWorkerDown(WorkerId(0), Unavailable("address was removed"));
  transport_.listener()->OnWorkerGone(WorkerId(0));
  EXPECT_EQ(dispatcher_->Stats().workers[0].address, "");
  EXPECT_EQ(dispatcher_->Stats().workers[0].replies, 0U);
  transport_.Up(0, {0, 1, 2, 3});
  EXPECT_TRUE(Exchange().ok());
}

TEST_F(DispatcherTest, ADrainingWorkerGetsNothingNew) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  transport_.listener()->OnWorkerDraining(WorkerId(0));
  ASSERT_TRUE(Exchange().ok());
  for (const auto& sent : transport_.sent) EXPECT_EQ(sent.worker, WorkerId(1));
}

TEST_F(DispatcherTest, WorkersTakeTurnsAtLayersThatAreOneFrame) {
  Dispatcher dispatcher({.expert_count = kExperts,
                         .hidden = kHidden,
                         .model_hash = 1,
                         .expert = {.weights = 48, .weight_bytes = 96}},
                        {}, loop_, transport_, log_);
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerAll([](const auto&) { return true; });
  gate_.experts = {ExpertId(0), ExpertId(1)};
  gate_.weights = {0.5F, 0.5F};
  const std::span<const float> row = std::span<const float>(rows_).first(kHidden);
  std::vector<int> frames(2);
  for (int layer = 0; layer < 256; ++layer) {
    transport_.sent.clear();
    ASSERT_TRUE(dispatcher.Exchange(LayerIndex(0), dispatcher.Plan(gate_), row, outputs_).ok());
    ASSERT_EQ(transport_.sent.size(), 1U);
    ++frames[transport_.sent[0].worker.value()];
  }
  EXPECT_NEAR(frames[0], frames[1], 2);
}

}  // namespace
}  // namespace windrose
