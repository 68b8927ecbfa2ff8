#include "coordinator/server/call_registry.h"

#include <gtest/gtest.h>

#include <memory>

namespace windrose {
namespace {

class FakeCall final : public OpenCall {
 public:
  void Abort(const Status& reason) override { reasons.push_back(reason); }
  std::vector<Status> reasons;
};

const TimePoint kLongAgo{};

TEST(CallRegistry, IsEmptyUntilACallIsAdded) {
  CallRegistry registry(2);
  EXPECT_TRUE(registry.WaitUntilEmpty(kLongAgo));
  const auto call = std::make_shared<FakeCall>();
  EXPECT_TRUE(registry.Add(call).ok());
  EXPECT_FALSE(registry.WaitUntilEmpty(kLongAgo));
  registry.Remove(call);
  EXPECT_TRUE(registry.WaitUntilEmpty(kLongAgo));
}

TEST(CallRegistry, RefusesCallsBeyondItsCapacity) {
  CallRegistry registry(1);
  const auto first = std::make_shared<FakeCall>();
  EXPECT_TRUE(registry.Add(first).ok());
  EXPECT_EQ(registry.Add(std::make_shared<FakeCall>()).code(), StatusCode::kResourceExhausted);
  registry.Remove(first);
  EXPECT_TRUE(registry.Add(std::make_shared<FakeCall>()).ok());
}

TEST(CallRegistry, RefusesNewCallsWhileDrainingAndKeepsTheOldOnes) {
  CallRegistry registry(4);
  const auto call = std::make_shared<FakeCall>();
  EXPECT_TRUE(registry.Add(call).ok());
  registry.BeginDrain();
  EXPECT_TRUE(registry.draining());
  EXPECT_EQ(registry.Add(std::make_shared<FakeCall>()).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(call->reasons.empty());
  EXPECT_FALSE(registry.WaitUntilEmpty(kLongAgo));
}

TEST(CallRegistry, AbortsEveryOpenCallOnce) {
  CallRegistry registry(4);
  const auto first = std::make_shared<FakeCall>();
  const auto second = std::make_shared<FakeCall>();
  const auto gone = std::make_shared<FakeCall>();
  for (const auto& call : {first, second, gone}) EXPECT_TRUE(registry.Add(call).ok());
  registry.Remove(gone);
  EXPECT_EQ(registry.AbortAll(Unavailable("draining")), 2U);
  EXPECT_EQ(first->reasons.size(), 1U);
  EXPECT_EQ(second->reasons.size(), 1U);
  EXPECT_TRUE(gone->reasons.empty());
}

TEST(CallRegistry, ForgetsUnknownCallsQuietly) {
  CallRegistry registry(1);
  registry.Remove(std::make_shared<FakeCall>());
  EXPECT_TRUE(registry.WaitUntilEmpty(kLongAgo));
}

}  // namespace
}  // namespace windrose
