#include "coordinator/experts/dispatcher.h"

#include <functional>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/manual_event_loop.h"

namespace windrose {
namespace {

constexpr uint32_t kHidden = 4;
constexpr uint32_t kExperts = 4;
constexpr ExpertSize kExpert{.weights = 176'160'768, .weight_bytes = 99'090'432};

// A transport that remembers what was sent and lets the test answer.
class ScriptedTransport final : public ExpertTransport {
 public:
  struct Sent {
    WorkerId worker;
    wire::CallFrame call;
    std::vector<std::byte> rows;
  };

  void SetListener(ExpertTransportListener* listener) override { listener_ = listener; }
  void Send(WorkerId worker, const wire::CallFrame& call) override {
    sent.push_back({worker, call, {call.rows.begin(), call.rows.end()}});
    sent.back().call.rows = sent.back().rows;
    if (on_send) on_send(sent.back());
  }
  void Reset(WorkerId worker, const Status&) override {
    resets.push_back(worker);
    if (on_reset) on_reset(worker);
  }

  void Up(uint32_t worker, std::vector<uint32_t> experts, uint32_t max_rows = 4096) {
    WorkerDescription description{.address = "w", .incarnation = 1, .max_rows = max_rows};
    for (const uint32_t expert : experts) description.experts.emplace_back(expert);
    listener_->OnWorkerUp(WorkerId(worker), description);
  }

  // The expert e maps x to x + 10 * (e + 1): wrong experts and wrong rows show.
  void Answer(const Sent& sent_call, StatusCode code = StatusCode::kOk) {
    wire::ReplyFrame reply{.header = sent_call.call.header};
    std::vector<std::byte> bytes;
    for (const wire::Segment& segment : sent_call.call.segments) {
      wire::Segment answered = segment;
      answered.status = code;
      answered.first = reply.row_count;
      answered.count = code == StatusCode::kOk ? segment.count : 0;
      for (uint32_t index = 0; index < answered.count; ++index) {
        std::vector<float> row(kHidden);
        wire::ReadRow(sent_call.rows, wire::RowType::kF32,
                      sent_call.call.row_index[segment.first + index], row);
        for (float& value : row) value += 10.0F * static_cast<float>(segment.expert.value() + 1);
        const uint32_t zero = 0;
        wire::AppendRows(row, kHidden, std::span(&zero, 1), wire::RowType::kF32, bytes);
      }
      reply.row_count += answered.count;
      reply.segments.push_back(answered);
    }
    reply.rows = bytes;
    listener_->OnReply(sent_call.worker, reply);
  }

  ExpertTransportListener* listener() { return listener_; }

  std::vector<Sent> sent;
  std::vector<WorkerId> resets;
  std::function<void(const Sent&)> on_send;
  std::function<void(WorkerId)> on_reset;

 private:
  ExpertTransportListener* listener_ = nullptr;
};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    DispatchLimits limits;
    limits.deadlines.initial = Milliseconds(100);
    limits.deadlines.floor = Milliseconds(100);
    limits.expert_wait = Seconds(2);
    limits.exchange_limit = Seconds(30);
    dispatcher_ = std::make_unique<Dispatcher>(DispatchShape{.expert_count = kExperts,
                                                             .hidden = kHidden,
                                                             .model_hash = 1,
                                                             .bf16_order = Bf16Order::kBlocks,
                                                             .expert = kExpert},
                                               limits, loop_, transport_, log_);
    for (size_t index = 0; index < rows_.size(); ++index) rows_[index] = static_cast<float>(index);
    gate_.top_k = 2;
    for (const uint32_t expert : {0U, 1U, 2U, 3U, 1U, 0U}) gate_.experts.emplace_back(expert);
    gate_.weights.assign(6, 0.5F);
  }

  // Answers each call after a millisecond, if `answer` wants to.
  void AnswerAll(std::function<bool(const ScriptedTransport::Sent&)> answer) {
    transport_.on_send = [this, answer](const ScriptedTransport::Sent& sent) {
      if (!answer(sent)) return;
      loop_.After(Milliseconds(1), [this, index = transport_.sent.size() - 1] {
        transport_.Answer(transport_.sent[index]);
      });
    };
  }

  // Answers each call after a millisecond: `code` says how.
  void AnswerWith(std::function<StatusCode(const ScriptedTransport::Sent&)> code) {
    transport_.on_send = [this, code](const auto&) {
      loop_.After(Milliseconds(1), [this, code, index = transport_.sent.size() - 1] {
        transport_.Answer(transport_.sent[index], code(transport_.sent[index]));
      });
    };
  }

  Status Exchange() {
    return dispatcher_->Exchange(LayerIndex(0), dispatcher_->Plan(gate_), rows_, outputs_);
  }

  // A link that was reset is down at once, and up again after a while, as with gRPC.
  void SetLinksUpAgain(Duration pause) {
    transport_.on_reset = [this, pause](WorkerId worker) {
      loop_.Post(
          [this, worker] { transport_.listener()->OnWorkerDown(worker, Unavailable("reset")); });
      loop_.After(pause, [this, worker] { transport_.Up(worker.value(), {0, 1, 2, 3}); });
    };
  }

  uint64_t Failovers() const {
    uint64_t sum = 0;
    for (const uint64_t count : dispatcher_->Stats().failovers) sum += count;
    return sum;
  }

  void ExpectRightOutputs() const {
    for (size_t pair = 0; pair < gate_.experts.size(); ++pair) {
      const auto expert = static_cast<float>(gate_.experts[pair].value() + 1);
      EXPECT_EQ(outputs_.row(pair)[0], rows_[pair / 2 * kHidden] + 10 * expert) << "pair " << pair;
    }
  }

  ManualEventLoop loop_;
  NullLog log_;
  ScriptedTransport transport_;
  std::unique_ptr<Dispatcher> dispatcher_;
  GateOutput gate_;
  std::vector<float> rows_ = std::vector<float>(3 * kHidden);
  ExpertOutputs outputs_;
};

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
  EXPECT_EQ(loop_.Now() - began, Milliseconds(4 * 1 + 3 * 5));
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
  EXPECT_LE(transport_.sent.size(), 4U + 2 * 15);
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
