#include "coordinator/experts/layer_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <vector>

namespace windrose {
namespace {

using ::testing::ElementsAre;

constexpr uint32_t kHidden = 2;
constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();

// Two rows for one expert of two workers.
class LayerExchangeTest : public testing::Test {
 protected:
  // Gives `pairs` to `worker`.
  void Ask(WorkerId worker, std::vector<uint32_t> pairs, TimePoint deadline = {}) {
    ExpertCall call{.worker = worker, .deadline = deadline};
    call.segments = {{.expert = ExpertId(0), .pairs = std::move(pairs)}};
    calls_.push_back(exchange_.MakeCall(std::move(call), 1, Seconds(1)).call);
  }

  // Answers call `attempt`, a value for each pair.
  std::vector<RefusedSegment> Answer(uint32_t attempt, const std::vector<float>& values) {
    const auto count = static_cast<uint32_t>(values.size());
    wire::ReplyFrame reply{.header = calls_[attempt].header};
    reply.segments = {{.expert = ExpertId(0), .first = 0, .count = count}};
    reply.row_count = count;
    std::vector<std::byte> bytes(count * kHidden * sizeof(float));
    for (size_t row = 0; row < count; ++row) {
      wire::WriteRow(std::vector<float>{1, values[row]}, wire::RowType::kF32, row, bytes);
    }
    reply.rows = bytes;
    const auto refused = exchange_.TakeReply(exchange_.call(attempt).worker, reply);
    EXPECT_TRUE(refused.ok()) << ToString(refused.status());
    return refused.value_or(std::vector<RefusedSegment>{});
  }

  // What becomes of a reply of worker 0 to its call for both pairs, with something changed.
  template <class Change>
  StatusCode TakeChanged(const Change& change) {
    wire::ReplyFrame reply{.header = calls_[0].header};
    reply.segments = {{.expert = ExpertId(0), .first = 0, .count = 2}};
    reply.row_count = 2;
    const std::vector<std::byte> bytes(2 * kHidden * sizeof(float));
    reply.rows = bytes;
    change(reply);
    return exchange_.TakeReply(WorkerId(0), reply).status().code();
  }

  float Output(size_t pair) const { return outputs_.row(pair)[1]; }

  const std::vector<float> rows_ = std::vector<float>(2 * kHidden, 1.0F);
  ExpertOutputs outputs_;
  LayerExchange exchange_{wire::FrameHeader{.hidden = kHidden}, 1, rows_, outputs_};
  std::vector<wire::CallFrame> calls_;  // by attempt
};

TEST_F(LayerExchangeTest, ARowThatIsNotFiniteIsDoubtedAndTheOthersAreTaken) {
  Ask(WorkerId(0), {0, 1});
  const std::vector<RefusedSegment> refused = Answer(0, {kNoNumber, 5});
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_TRUE(refused[0].doubted);
  EXPECT_FALSE(refused[0].for_good());
  EXPECT_THAT(refused[0].segment.pairs, ElementsAre(0));
  EXPECT_EQ(Output(1), 5);
  EXPECT_FALSE(exchange_.done());
}

TEST_F(LayerExchangeTest, ASecondOpinionThatIsFiniteCounts) {
  Ask(WorkerId(0), {0, 1});
  Answer(0, {kNoNumber, 5});
  Ask(WorkerId(1), {0});
  EXPECT_TRUE(Answer(1, {4}).empty());
  EXPECT_TRUE(exchange_.done());
  EXPECT_EQ(Output(0), 4);
}

TEST_F(LayerExchangeTest, WhatASecondCallSaysTooIsBelieved) {
  Ask(WorkerId(0), {0, 1});
  Answer(0, {std::numeric_limits<float>::infinity(), 5});
  Ask(WorkerId(0), {0});
  EXPECT_TRUE(Answer(1, {kNoNumber}).empty());
  EXPECT_TRUE(exchange_.done());
  EXPECT_NE(Output(0), Output(0));
}

TEST_F(LayerExchangeTest, TheSameReplyTwiceIsOneOpinion) {
  Ask(WorkerId(0), {0, 1});
  Answer(0, {kNoNumber, 5});
  const std::vector<RefusedSegment> again = Answer(0, {kNoNumber, 5});
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(again[0].segment.pairs.empty());
  EXPECT_FALSE(exchange_.done());
}

TEST_F(LayerExchangeTest, ACallCarriesItsEpochItsAttemptAndItsBudget) {
  Ask(WorkerId(0), {0});
  Ask(WorkerId(1), {1});
  EXPECT_EQ(calls_[1].header.epoch, 1U);
  EXPECT_EQ(calls_[1].header.attempt, 1U);
  EXPECT_EQ(calls_[1].budget, Seconds(1));
}

TEST_F(LayerExchangeTest, RefusesRepliesThatDoNotFitTheirCall) {
  using wire::ReplyFrame;
  Ask(WorkerId(0), {0, 1});
  const StatusCode refused = StatusCode::kInvalidArgument;
  EXPECT_EQ(TakeChanged([](ReplyFrame& reply) { reply.header.attempt = 1; }), refused);
  EXPECT_EQ(TakeChanged([](ReplyFrame& reply) { reply.header.layer = LayerIndex(1); }), refused);
  EXPECT_EQ(TakeChanged([](ReplyFrame& reply) { reply.header.hidden = 1; }), refused);
  EXPECT_EQ(TakeChanged([](ReplyFrame& reply) { reply.segments.clear(); }), refused);
  EXPECT_EQ(TakeChanged([](ReplyFrame& reply) { reply.segments.emplace_back(); }), refused);
  EXPECT_EQ(TakeChanged([](ReplyFrame& reply) { reply.segments[0].count = 1; }), refused);
  EXPECT_EQ(TakeChanged([](ReplyFrame& reply) { reply.segments[0].expert = ExpertId(1); }),
            refused);
  EXPECT_EQ(TakeChanged([](ReplyFrame&) {}), StatusCode::kOk);
}

TEST_F(LayerExchangeTest, TheNextDeadlineIsTheEarliestOfTheCallsUnderWay) {
  Ask(WorkerId(0), {0}, TimePoint(Seconds(3)));
  Ask(WorkerId(1), {1}, TimePoint(Seconds(5)));
  EXPECT_EQ(exchange_.NextDeadline(), TimePoint(Seconds(3)));
  exchange_.TakeBack(0);
  EXPECT_EQ(exchange_.NextDeadline(), TimePoint(Seconds(5)));
  exchange_.TakeBack(1);
  EXPECT_EQ(exchange_.NextDeadline(), std::nullopt);
}

TEST(RefusedSegment, WhoIsFullLateOrAwayMayBeAskedAgain) {
  for (const StatusCode code :
       {StatusCode::kResourceExhausted, StatusCode::kDeadlineExceeded, StatusCode::kUnavailable}) {
    EXPECT_FALSE((RefusedSegment{.segment = {}, .code = code}.for_good()));
  }
  const StatusCode for_good = StatusCode::kInvalidArgument;
  EXPECT_TRUE((RefusedSegment{.segment = {}, .code = for_good}.for_good()));
  EXPECT_FALSE((RefusedSegment{.segment = {}, .code = for_good, .doubted = true}.for_good()));
}

// The pairs of a call that was taken for lost are another's to answer.
TEST_F(LayerExchangeTest, ALateDoubtSendsNothingAgain) {
  Ask(WorkerId(0), {0, 1});
  exchange_.TakeBack(0);
  Ask(WorkerId(1), {0, 1});
  const std::vector<RefusedSegment> refused = Answer(0, {kNoNumber, 5});
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_TRUE(refused[0].segment.pairs.empty());
  EXPECT_TRUE(Answer(1, {7, 5}).empty());
  EXPECT_EQ(Output(0), 7);
}

}  // namespace
}  // namespace windrose
