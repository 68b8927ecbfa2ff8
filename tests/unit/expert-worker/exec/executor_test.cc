// The executor on the test's own thread: Drain first, then Run returns by itself.
#include "expert-worker/exec/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/unit/expert-worker/exec/calls.h"

namespace windrose {
namespace {

class IdentityFunction final : public ExpertFunction {
 public:
  size_t hidden_size() const override { return kTestHidden; }
  size_t layer_count() const override { return 8; }
  bool Holds(ExpertId) const override { return true; }
  void Run(const ExpertPass&, ExpertId, std::span<const float> input,
           std::span<float> output) override {
    std::copy(input.begin(), input.end(), output.begin());
  }
};

class CollectingReceiver final : public ReplyReceiver {
 public:
  void OnReply(ComputedReply reply) override { replies.push_back(std::move(reply)); }
  std::vector<ComputedReply> replies;
};

class ExecutorTest : public ::testing::Test {
 protected:
  AcceptedCall Call(uint64_t caller, TimePoint deadline) {
    AcceptedCall call = MakeCall(caller, 0, 1, deadline);
    call.arrived = clock_.now - Microseconds(30);
    SetRows(call, {1, 2}, wire::RowType::kF32);
    return call;
  }

  ManualClock clock_{TimePoint(Seconds(50))};
  IdentityFunction function_;
  BatchComputer computer_{function_, 8, nullptr};
  Executor executor_{WorkQueueLimits{.max_calls = 3}, computer_, clock_, nullptr};
  CollectingReceiver receiver_;
};

TEST_F(ExecutorTest, AnswersWhatWasAcceptedThenEnds) {
  ASSERT_TRUE(executor_.Submit(Call(1, kForEver)).ok());
  ASSERT_TRUE(executor_.Submit(Call(2, kForEver)).ok());
  executor_.Drain();
  executor_.Run(receiver_);
  ASSERT_EQ(receiver_.replies.size(), 2U);
  EXPECT_EQ(receiver_.replies[0].frame.segments[0].status, StatusCode::kOk);
  EXPECT_EQ(receiver_.replies[0].frame.service, Microseconds(30));
}

TEST_F(ExecutorTest, AcceptsNothingWhileDraining) {
  executor_.Drain();
  EXPECT_EQ(executor_.Submit(Call(1, kForEver)).code(), StatusCode::kUnavailable);
}

TEST_F(ExecutorTest, RefusesAtOnceWhenFull) {
  for (int call = 0; call < 3; ++call) ASSERT_TRUE(executor_.Submit(Call(1, kForEver)).ok());
  EXPECT_EQ(executor_.Submit(Call(1, kForEver)).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(executor_.waiting_rows(), 3U);
}

TEST_F(ExecutorTest, AnswersExpiredCallsWithoutComputing) {
  ASSERT_TRUE(executor_.Submit(Call(1, clock_.now)).ok());
  executor_.Drain();
  executor_.Run(receiver_);
  ASSERT_EQ(receiver_.replies.size(), 1U);
  EXPECT_EQ(receiver_.replies[0].frame.segments[0].status, StatusCode::kDeadlineExceeded);
}

TEST_F(ExecutorTest, ForgetsACallerThatIsGone) {
  ASSERT_TRUE(executor_.Submit(Call(1, kForEver)).ok());
  ASSERT_TRUE(executor_.Submit(Call(2, kForEver)).ok());
  executor_.Forget(CallerId(1));
  executor_.Drain();
  executor_.Run(receiver_);
  ASSERT_EQ(receiver_.replies.size(), 1U);
  EXPECT_EQ(receiver_.replies[0].caller, CallerId(2));
}

TEST_F(ExecutorTest, StopLeavesTheQueue) {
  ASSERT_TRUE(executor_.Submit(Call(1, kForEver)).ok());
  executor_.Stop();
  executor_.Run(receiver_);
  EXPECT_TRUE(receiver_.replies.empty());
}

}  // namespace
}  // namespace windrose
