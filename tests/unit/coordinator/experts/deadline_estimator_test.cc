#include "coordinator/experts/deadline_estimator.h"

#include "gtest/gtest.h"

namespace windrose {
namespace {

TEST(DeadlineEstimator, GrowsWithRowsAndAttempts) {
  DeadlineEstimator estimator({.floor = Milliseconds(10), .initial = Seconds(5)});
  EXPECT_EQ(estimator.Limit(8, 0), Seconds(5));
  estimator.Observe(8, Milliseconds(20));
  EXPECT_EQ(estimator.Limit(8, 0), Milliseconds(120));
  EXPECT_EQ(estimator.Limit(8, 1), Milliseconds(240));
  EXPECT_EQ(estimator.Limit(32, 0), Milliseconds(480));
  EXPECT_EQ(estimator.Limit(1, 0), Milliseconds(120));
  for (int index = 0; index < 200; ++index) estimator.Observe(8, Microseconds(50));
  EXPECT_EQ(estimator.Limit(8, 0), Milliseconds(10));
}

TEST(DeadlineEstimator, IsNeverBelowTheFloorThoughNothingIsKnown) {
  const DeadlineEstimator estimator({.floor = Seconds(30), .initial = Seconds(10)});
  EXPECT_EQ(estimator.Limit(8, 0), Seconds(30));
}

}  // namespace
}  // namespace windrose
