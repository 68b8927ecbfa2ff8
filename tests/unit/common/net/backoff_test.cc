#include "common/net/backoff.h"

#include <gtest/gtest.h>

namespace windrose {
namespace {

TEST(Backoff, GrowsToTheMaximum) {
  BackoffPolicy policy;
  policy.jitter = 0.0;
  policy.multiplier = 2.0;
  EXPECT_EQ(BackoffDelay(policy, 0, 0.5), Milliseconds(20));
  EXPECT_EQ(BackoffDelay(policy, 1, 0.5), Milliseconds(40));
  EXPECT_EQ(BackoffDelay(policy, 4, 0.5), Milliseconds(320));
  EXPECT_EQ(BackoffDelay(policy, 5, 0.5), Milliseconds(500));
  EXPECT_EQ(BackoffDelay(policy, UINT32_MAX, 0.5), Milliseconds(500));
}

TEST(Backoff, SpreadsByTheRandomNumberWithinTheMaximum) {
  BackoffPolicy policy;
  policy.jitter = 0.5;
  EXPECT_EQ(BackoffDelay(policy, 0, 0.0), Milliseconds(10));
  EXPECT_EQ(BackoffDelay(policy, 0, 0.5), Milliseconds(20));
  EXPECT_LT(BackoffDelay(policy, 0, 0.999), Milliseconds(30));
  EXPECT_EQ(BackoffDelay(policy, 50, 0.999), Milliseconds(500));
}

}  // namespace
}  // namespace windrose
