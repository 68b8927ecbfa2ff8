#include "expert-worker/exec/batch_computer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/expert-worker/exec/calls.h"

namespace windrose {
namespace {

using ::testing::ElementsAre;

// y = 100 * layer + 10 * expert + x. Holds the even experts. Counts its passes.
class AddingFunction final : public ExpertFunction {
 public:
  size_t hidden_size() const override { return kTestHidden; }
  size_t layer_count() const override { return 4; }
  bool Holds(ExpertId expert) const override { return expert.value() % 2 == 0; }
  void Run(const ExpertPass& pass, ExpertId expert, std::span<const float> input,
           std::span<float> output) override {
    passes.push_back(input.size() / kTestHidden);
    orders.push_back(pass.order);
    const uint32_t added = 100 * pass.layer.value() + 10 * expert.value();
    for (size_t index = 0; index < input.size(); ++index) {
      output[index] = input[index] + static_cast<float>(added);
    }
  }
  std::vector<size_t> passes;     // rows of each
  std::vector<Bf16Order> orders;  // likewise
};

class CountingObserver final : public ComputeObserver {
 public:
  void OnExpertBegin(ExpertId expert, size_t row_count) override {
    begun.emplace_back(expert.value(), row_count);
  }
  void OnExpertEnd(ExpertId) override { ++ended; }
  std::vector<std::pair<uint32_t, size_t>> begun;
  int ended = 0;
};

std::vector<float> RowsOf(const ComputedReply& reply) {
  std::vector<float> values(size_t{reply.frame.row_count} * kTestHidden);
  for (uint32_t row = 0; row < reply.frame.row_count; ++row) {
    wire::ReadRow(reply.frame.rows, reply.frame.header.type, row,
                  std::span(values).subspan(row * kTestHidden, kTestHidden));
  }
  return values;
}

// Rows (1 2) and (3 4): expert 4 wants both, expert 2 the second.
AcceptedCall TwoExperts(uint64_t caller, wire::RowType type) {
  AcceptedCall call = MakeCall(caller, 1, 0);
  call.frame.segments = {{.expert = ExpertId(4), .first = 0, .count = 2},
                         {.expert = ExpertId(2), .first = 2, .count = 1}};
  call.frame.row_index = {1, 0, 1};
  call.frame.row_count = 2;
  SetRows(call, {1, 2, 3, 4}, type);
  return call;
}

TEST(BatchComputer, AnswersRowsInSegmentOrder) {
  AddingFunction function;
  BatchComputer computer(function, 8, nullptr);
  for (const wire::RowType type : {wire::RowType::kF32, wire::RowType::kBf16}) {
    const std::vector<AcceptedCall> calls = [&] {
      std::vector<AcceptedCall> made;
      made.push_back(TwoExperts(5, type));
      return made;
    }();
    const std::vector<ComputedReply> replies = computer.Compute(calls);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].caller, CallerId(5));
    EXPECT_EQ(replies[0].frame.row_count, 3U);
    EXPECT_THAT(RowsOf(replies[0]), ElementsAre(143, 144, 141, 142, 123, 124));
    EXPECT_TRUE(wire::DecodeReply(wire::Encode(replies[0].frame), {.hidden = kTestHidden}).ok());
  }
}

TEST(BatchComputer, ReadsEachExpertOnceForAllCalls) {
  AddingFunction function;
  CountingObserver observer;
  BatchComputer computer(function, 8, &observer);
  std::vector<AcceptedCall> calls;
  for (uint64_t caller = 0; caller < 2; ++caller) {
    calls.push_back(TwoExperts(caller, wire::RowType::kF32));
  }
  const std::vector<ComputedReply> replies = computer.Compute(calls);
  EXPECT_THAT(function.passes, ElementsAre(2, 4));
  EXPECT_THAT(observer.begun, ElementsAre(std::pair(2U, size_t{2}), std::pair(4U, size_t{4})));
  EXPECT_EQ(observer.ended, 2);
  EXPECT_EQ(RowsOf(replies[0]), RowsOf(replies[1]));
}

TEST(BatchComputer, ComputesInTheOrderThatTheCallsSay) {
  AddingFunction function;
  BatchComputer computer(function, 8, nullptr);
  for (const Bf16Order order : {Bf16Order::kBlocks, Bf16Order::kPairs}) {
    function.orders.clear();
    std::vector<AcceptedCall> calls;
    calls.push_back(TwoExperts(1, wire::RowType::kF32));
    calls.back().frame.header.order = order;
    EXPECT_EQ(computer.Compute(calls)[0].frame.header.order, order);
    EXPECT_THAT(function.orders, ElementsAre(order, order));
  }
}

TEST(BatchComputer, SplitsManyRowsIntoTiles) {
  AddingFunction function;
  BatchComputer computer(function, 3, nullptr);
  std::vector<AcceptedCall> calls;
  calls.push_back(MakeCall(1, 0, 7));
  std::vector<float> values(14);
  for (size_t index = 0; index < values.size(); ++index) values[index] = static_cast<float>(index);
  SetRows(calls[0], values, wire::RowType::kF32);
  EXPECT_EQ(RowsOf(computer.Compute(calls)[0]), values);  // expert 0 of layer 0 adds nothing
  EXPECT_THAT(function.passes, ElementsAre(3, 3, 1));
}

TEST(BatchComputer, SegmentOfAnotherWorkersExpertIsRefusedAlone) {
  AddingFunction function;
  BatchComputer computer(function, 8, nullptr);
  std::vector<AcceptedCall> calls;
  calls.push_back(TwoExperts(1, wire::RowType::kF32));
  calls[0].frame.segments[0].expert = ExpertId(3);
  const std::vector<ComputedReply> replies = computer.Compute(calls);
  const std::vector<wire::Segment>& segments = replies[0].frame.segments;
  EXPECT_EQ(segments[0].status, StatusCode::kFailedPrecondition);
  EXPECT_EQ(segments[0].count, 0U);
  EXPECT_EQ(segments[1].status, StatusCode::kOk);
  EXPECT_THAT(RowsOf(replies[0]), ElementsAre(123, 124));
  EXPECT_TRUE(wire::DecodeReply(wire::Encode(replies[0].frame), {.hidden = kTestHidden}).ok());
}

TEST(BatchComputer, ResultThatIsNotFiniteGoesAsItIsAndTheOthersKeepTheirs) {
  AddingFunction function;
  BatchComputer computer(function, 8, nullptr);
  std::vector<AcceptedCall> calls;
  calls.push_back(MakeCall(1, 3, 1));
  SetRows(calls[0], {std::numeric_limits<float>::infinity(), 0}, wire::RowType::kF32);
  calls.push_back(MakeCall(2, 3, 1));
  SetRows(calls[1], {1, 1}, wire::RowType::kF32);
  const std::vector<ComputedReply> replies = computer.Compute(calls);
  EXPECT_EQ(replies[0].frame.segments[0].status, StatusCode::kOk);
  EXPECT_TRUE(std::isinf(RowsOf(replies[0])[0]));
  EXPECT_EQ(RowsOf(replies[0])[1], 300);
  EXPECT_THAT(RowsOf(replies[1]), ElementsAre(301, 301));
}

TEST(FailedReply, RefusesEverySegmentAndCanBeSent) {
  const AcceptedCall call = TwoExperts(9, wire::RowType::kBf16);
  const ComputedReply reply = FailedReply(call, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(reply.caller, CallerId(9));
  EXPECT_EQ(reply.frame.segments.size(), 2U);
  for (const wire::Segment& segment : reply.frame.segments) {
    EXPECT_EQ(segment.status, StatusCode::kDeadlineExceeded);
  }
  EXPECT_TRUE(wire::DecodeReply(wire::Encode(reply.frame), {.hidden = kTestHidden}).ok());
}

}  // namespace
}  // namespace windrose
