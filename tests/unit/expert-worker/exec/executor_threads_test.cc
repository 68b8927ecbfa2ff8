// The executor with its own thread, while others submit, forget and drain: for ThreadSanitizer, and
// for the promise that whatever was accepted is answered once, unless its caller was forgotten.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "expert-worker/exec/executor.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/expert-worker/exec/calls.h"

namespace windrose {
namespace {

constexpr uint64_t kSenders = 4;
constexpr uint64_t kForgotten = 100;  // added to a sender's number: its caller that goes away
constexpr size_t kRepliesBeforeDrain = 300;

class IdentityFunction final : public ExpertFunction {
 public:
  size_t hidden_size() const override { return kTestHidden; }
  size_t layer_count() const override { return 3; }
  bool Holds(ExpertId) const override { return true; }
  void Run(const ExpertPass&, ExpertId, std::span<const float> input,
           std::span<float> output) override {
    std::copy(input.begin(), input.end(), output.begin());
  }
};

// Counts the replies to each call.
class CountingReceiver final : public ReplyReceiver {
 public:
  explicit CountingReceiver(std::binary_semaphore& enough) : enough_(enough) {}

  void OnReply(ComputedReply reply) override {
    ++replies_[{reply.caller, reply.frame.header.dispatch_id}];
    if (++count_ == kRepliesBeforeDrain) enough_.release();
  }

  int RepliesTo(CallerId caller, DispatchId call) const {
    const auto found = replies_.find({caller, call});
    return found == replies_.end() ? 0 : found->second;
  }
  int MostToOne() const {
    int most = 0;
    for (const auto& [call, count] : replies_) most = std::max(most, count);
    return most;
  }

 private:
  std::binary_semaphore& enough_;
  std::map<std::pair<CallerId, DispatchId>, int> replies_;  // the executor's thread's
  size_t count_ = 0;
};

Status SubmitOne(Executor& executor, uint64_t caller, DispatchId number) {
  AcceptedCall call = MakeCall(caller, static_cast<uint32_t>(number.value() % 3), 1);
  call.frame.header.dispatch_id = number;
  SetRows(call, {1, 2}, wire::RowType::kF32);
  return executor.Submit(std::move(call));
}

// Submits for two callers, and forgets the one now and then, until no more is taken. Returns what
// was accepted for the other.
std::vector<DispatchId> Submit(Executor& executor, uint64_t sender) {
  std::vector<DispatchId> accepted;
  for (DispatchId call(1);; ++call) {
    const Status status = SubmitOne(executor, sender, call);
    if (status.code() == StatusCode::kUnavailable) return accepted;
    if (status.ok()) {
      accepted.push_back(call);
    } else {
      EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
      std::this_thread::yield();
    }
    (void)SubmitOne(executor, kForgotten + sender, call);
    if (call.value() % 3 == 0) executor.Forget(CallerId(kForgotten + sender));
    EXPECT_LE(executor.waiting_rows(), WorkQueueLimits{}.max_rows);
  }
}

TEST(ExecutorThreads, WhateverWasAcceptedIsAnsweredOnceThoughManySubmitForgetAndDrain) {
  const ManualClock clock;
  IdentityFunction function;
  BatchComputer computer(function, 8, nullptr);
  Executor executor(WorkQueueLimits{.max_calls = 16}, computer, clock, nullptr);
  std::binary_semaphore enough{0};
  CountingReceiver receiver(enough);
  std::vector<std::vector<DispatchId>> accepted(kSenders);
  std::thread running([&] { executor.Run(receiver); });
  std::vector<std::thread> senders;
  for (uint64_t sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] { accepted[sender] = Submit(executor, sender); });
  }
  enough.acquire();
  executor.Drain();
  for (std::thread& sender : senders) sender.join();
  running.join();
  for (uint64_t sender = 0; sender < kSenders; ++sender) {
    for (const DispatchId call : accepted[sender]) {
      EXPECT_EQ(receiver.RepliesTo(CallerId(sender), call), 1) << sender << ' ' << call.value();
    }
  }
  EXPECT_EQ(receiver.MostToOne(), 1);
  EXPECT_EQ(executor.waiting_rows(), 0U);
}

}  // namespace
}  // namespace windrose
