// What the dispatcher does with rows that a worker did not compute, or computed too late.
#include <limits>
#include <map>
#include <vector>

#include "tests/unit/coordinator/experts/dispatcher_fixture.h"

namespace windrose {
namespace {

TEST_F(DispatcherTest, TriesAnotherHolderWhenOneIsFull) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerWith([](const auto& sent) {
    return sent.worker == WorkerId(0) ? StatusCode::kResourceExhausted : StatusCode::kOk;
  });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_TRUE(transport_.resets.empty());
}

TEST_F(DispatcherTest, RetriesAFullWorkerAfterAPauseWhenItIsTheOnlyOne) {
  transport_.Up(0, {0, 1, 2, 3});
  AnswerWith([](const auto& sent) {
    return sent.call.header.attempt < 3 ? StatusCode::kResourceExhausted : StatusCode::kOk;
  });
  const TimePoint began = loop_.Now();
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  // Four answers and three pauses.
  EXPECT_EQ(loop_.Now() - began, Milliseconds(4 * 1 + 5 + 10 + 20));
}

TEST_F(DispatcherTest, ARefusalSaysNothingOfHowLongAnAnswerTakes) {
  Dispatcher dispatcher({.expert_count = kExperts, .hidden = kHidden, .model_hash = 1}, {}, loop_,
                        transport_, log_);
  transport_.Up(0, {0, 1, 2, 3});
  transport_.on_send = [this](const auto& sent) {
    const bool refuse = sent.call.header.attempt < 3;
    loop_.After(refuse ? Milliseconds(1) : Seconds(2),
                [this, refuse, index = transport_.sent.size() - 1] {
                  transport_.Answer(transport_.sent[index],
                                    refuse ? StatusCode::kResourceExhausted : StatusCode::kOk);
                });
  };
  ASSERT_TRUE(dispatcher.Exchange(LayerIndex(0), dispatcher.Plan(gate_), rows_, outputs_).ok());
  ExpectRightOutputs();
  const WorkerStats stats = dispatcher.Stats().workers[0];
  EXPECT_EQ(stats.overdue, 0U);
  EXPECT_EQ(stats.errors, 3U);
  EXPECT_EQ(stats.replies, 1U);
  EXPECT_EQ(stats.round_trips, Seconds(2));
}

TEST_F(DispatcherTest, WhenAllHoldersAreFullAFrameGoesOutOncePerPause) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerWith([this, relief = loop_.Now() + Milliseconds(90)](const auto&) {
    return loop_.Now() < relief ? StatusCode::kResourceExhausted : StatusCode::kOk;
  });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  // Two at first, each once to the other, then at most one for each worker and pause.
  EXPECT_LE(transport_.sent.size(), 4U + 2 * 5);
  // What one reply refused goes on in one frame.
  EXPECT_EQ(transport_.sent[2].call.segments.size(), transport_.sent[0].call.segments.size());
  EXPECT_GT(transport_.sent[2].call.segments.size(), 1U);
  EXPECT_TRUE(transport_.resets.empty());
}

TEST_F(DispatcherTest, AWorkerThatCannotComputeARowIsAskedOnceAndAnotherInstead) {
  for (const StatusCode code :
       {StatusCode::kInvalidArgument, StatusCode::kInternal, StatusCode::kDataLoss}) {
    transport_.Up(0, {0, 1, 2, 3});
    transport_.Up(1, {0, 1, 2, 3});
    transport_.sent.clear();
    AnswerWith(
        [code](const auto& sent) { return sent.worker == WorkerId(0) ? code : StatusCode::kOk; });
    ASSERT_TRUE(Exchange().ok());
    ExpectRightOutputs();
    EXPECT_EQ(transport_.sent.size(), 3U);
  }
}

TEST_F(DispatcherTest, EndsAtOnceWhenNoWorkerCanComputeARow) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerWith([](const auto&) { return StatusCode::kInvalidArgument; });
  const TimePoint began = loop_.Now();
  const Status status = Exchange();
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_NE(Message(status).find("expert "), std::string::npos) << Message(status);
  EXPECT_LT(loop_.Now() - began, Milliseconds(10));
  EXPECT_LE(transport_.sent.size(), 4U);
}

// What a suspect does late is better than what the others cannot do at all.
TEST_F(DispatcherTest, ASuspectIsAskedForWhatTheOtherHolderCannotCompute) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerAll([](const auto& sent) { return sent.worker == WorkerId(0); });
  ASSERT_TRUE(Exchange().ok());
  ASSERT_TRUE(dispatcher_->Stats().workers[1].suspect);
  AnswerWith([](const auto& sent) {
    return sent.worker == WorkerId(0) ? StatusCode::kInvalidArgument : StatusCode::kOk;
  });
  const TimePoint began = loop_.Now();
  EXPECT_EQ(ToString(Exchange()), "OK");
  ExpectRightOutputs();
  EXPECT_EQ(loop_.Now() - began, Milliseconds(2)) << "without a pause";
}

// Expert by expert: the first worker is full, the second cannot do it, the third can.
TEST_F(DispatcherTest, WhatAWorkerCannotComputeGoesOnWithoutAPauseThoughItWasMovedBefore) {
  for (const uint32_t worker : {0U, 1U, 2U}) transport_.Up(worker, {0, 1, 2, 3});
  std::map<ExpertId, size_t> answers;
  AnswerWith([&](const auto& sent) {
    size_t earlier = 0;
    for (const auto& segment : sent.call.segments) earlier = answers[segment.expert]++;
    if (earlier == 0) return StatusCode::kResourceExhausted;
    return earlier == 1 ? StatusCode::kInvalidArgument : StatusCode::kOk;
  });
  gate_.experts.assign(6, ExpertId(0));
  for (const size_t pair : {1U, 3U, 5U}) gate_.experts[pair] = ExpertId(1);
  const TimePoint began = loop_.Now();
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  EXPECT_EQ(loop_.Now() - began, Milliseconds(3));
}

TEST_F(DispatcherTest, ASuspectIsAskedForASecondOpinion) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerAll([](const auto& sent) { return sent.worker == WorkerId(0); });
  ASSERT_TRUE(Exchange().ok());
  ASSERT_TRUE(dispatcher_->Stats().workers[1].suspect);
  transport_.on_send = [this](const auto&) {
    loop_.After(Milliseconds(1), [this, index = transport_.sent.size() - 1] {
      ScriptedTransport::Sent sent = transport_.sent[index];
      // The first worker's memory is damaged.
      const float wrong = std::numeric_limits<float>::quiet_NaN();
      if (sent.worker == WorkerId(0))
        wire::WriteRow(std::vector<float>(kHidden, wrong), wire::RowType::kF32, 0, sent.rows);
      transport_.Answer(sent);
    });
  };
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
}

// The one that is full may well be done before the one that is late.
TEST_F(DispatcherTest, ASuspectIsNotAskedForWhatAFullWorkerWillCompute) {
  transport_.Up(0, {0, 1, 2, 3});
  transport_.Up(1, {0, 1, 2, 3});
  AnswerAll([](const auto& sent) { return sent.worker == WorkerId(0); });
  ASSERT_TRUE(Exchange().ok());
  ASSERT_TRUE(dispatcher_->Stats().workers[1].suspect);
  transport_.sent.clear();
  AnswerWith([](const auto& sent) {
    return sent.call.header.attempt == 0 ? StatusCode::kResourceExhausted : StatusCode::kOk;
  });
  ASSERT_TRUE(Exchange().ok());
  ExpectRightOutputs();
  for (const auto& sent : transport_.sent) EXPECT_EQ(sent.worker, WorkerId(0));
}

// The late answer of a worker that drains came in the meantime.
TEST_F(DispatcherTest, WhatIsAnsweredMeanwhileIsNotWaitedForOrSentAgain) {
  transport_.Up(0, {0, 1, 2});
  transport_.Up(1, {3});
  transport_.Up(2, {3});
  WorkerId first;
  transport_.on_send = [&](const ScriptedTransport::Sent& sent) {
    const size_t index = transport_.sent.size() - 1;
    const auto answer = [this, index] { transport_.Answer(transport_.sent[index]); };
    // Not before the limit for an expert that nobody holds.
    if (sent.worker == WorkerId(0)) return (void)loop_.After(Milliseconds(2500), answer);
    if (index < 2) {
      first = sent.worker;
      return (void)loop_.After(Milliseconds(400), answer);
    }
    // The second holder of expert 3 dies with its call, and the first takes nothing new.
    loop_.After(Milliseconds(1), [this, second = sent.worker, &first] {
      transport_.listener()->OnWorkerDraining(first);
      transport_.listener()->OnWorkerDown(second, Unavailable("killed"));
    });
  };
  EXPECT_EQ(ToString(Exchange()), "OK");
  ExpectRightOutputs();
  EXPECT_EQ(transport_.sent.size(), 3U);
}

}  // namespace
}  // namespace windrose
