#include "common/obs/health_state.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace windrose {
namespace {

TEST(HealthState, IsReadyWhenStartedAndEveryConditionHolds) {
  const ManualClock clock{TimePoint()};
  HealthState health(clock);
  EXPECT_FALSE(health.ready());
  health.SetStarted();
  EXPECT_TRUE(health.ready());
  health.SetCondition("a", true);
  health.SetCondition("b", false, "no peer");
  EXPECT_FALSE(health.ready());
  health.SetCondition("b", true);
  EXPECT_TRUE(health.ready());
}

TEST(HealthState, IsNeverReadyAgainWhenDraining) {
  const ManualClock clock{TimePoint()};
  HealthState health(clock);
  health.SetStarted();
  health.SetDraining();
  health.SetCondition("a", true);
  EXPECT_FALSE(health.ready());
  EXPECT_TRUE(health.live());
  EXPECT_TRUE(health.Report().draining);
}

TEST(HealthState, IsLiveWhileEveryHeartBeats) {
  ManualClock clock{TimePoint()};
  HealthState health(clock);
  const auto engine = health.AddHeartbeat("engine", Seconds(2));
  const auto other = health.AddHeartbeat("other", Seconds(10));
  clock.now += Seconds(2);
  EXPECT_TRUE(health.live()) << "exactly the longest silence";
  clock.now += Milliseconds(1);
  EXPECT_FALSE(health.live());
  engine->Beat();
  EXPECT_TRUE(health.live());
}

TEST(HealthState, KeepsProgressInItsRange) {
  const ManualClock clock{TimePoint()};
  HealthState health(clock);
  health.SetStartupProgress(7.0, "weights");
  EXPECT_EQ(health.Report().startup_ratio, 1.0);
  EXPECT_FALSE(health.Report().started) << "progress alone does not start";
  health.SetStartupProgress(-1.0, "weights");
  EXPECT_EQ(health.Report().startup_ratio, 0.0);
}

}  // namespace
}  // namespace windrose
