#include "cli/cluster/restart_pause.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(RestartPause, IsNoneAfterTheFirstDeath) {
  RestartPause pause;
  EXPECT_EQ(pause.After(Milliseconds(1)), Duration::zero());
}

TEST(RestartPause, DoublesWhileTheProcessKeepsDyingYoung) {
  RestartPause pause;
  pause.After(Milliseconds(1));
  EXPECT_EQ(pause.After(Milliseconds(1)), Milliseconds(20));
  EXPECT_EQ(pause.After(Milliseconds(1)), Milliseconds(40));
  EXPECT_EQ(pause.After(Milliseconds(1)), Milliseconds(80));
}

TEST(RestartPause, GrowsNoLongerThanItsLimit) {
  RestartPause pause;
  for (int death = 0; death < 20; ++death) pause.After(Milliseconds(1));
  EXPECT_EQ(pause.After(Milliseconds(1)), RestartPause::kLongest);
}

TEST(RestartPause, ForgetsAfterAHealthyLife) {
  RestartPause pause;
  for (int death = 0; death < 5; ++death) pause.After(Milliseconds(1));
  EXPECT_EQ(pause.After(RestartPause::kHealthyLife), Duration::zero());
  EXPECT_EQ(pause.After(RestartPause::kHealthyLife - Milliseconds(1)), Milliseconds(20));
}

TEST(RestartPause, TakesAnotherMeasureOfHealth) {
  RestartPause pause(Milliseconds(5));
  pause.After(Milliseconds(1));
  EXPECT_EQ(pause.After(Milliseconds(4)), RestartPause::kFirst);
  EXPECT_EQ(pause.After(Milliseconds(5)), Duration::zero());
}

}  // namespace
}  // namespace windrose::cli
