#include "coordinator/experts/layer_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
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
  void Ask(WorkerId worker, std::vector<uint32_t> pairs) {
    ExpertCall call{.worker = worker};
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
