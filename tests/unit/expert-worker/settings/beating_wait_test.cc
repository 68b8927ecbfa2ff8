#include "expert-worker/beating_wait.h"

#include <gtest/gtest.h>

#include <vector>

namespace windrose {
namespace {

TEST(WaitBeating, BeatsInEachPeriodOfALongWait) {
  int beats = 0;
  std::vector<Duration> waits;
  const auto never = [&](Duration part) {
    EXPECT_EQ(beats, static_cast<int>(waits.size()) + 1);
    waits.push_back(part);
    return false;
  };
  EXPECT_FALSE(WaitBeating(never, Milliseconds(2500), Seconds(1), [&] { ++beats; }));
  EXPECT_EQ(waits, (std::vector<Duration>{Seconds(1), Seconds(1), Milliseconds(500)}));
}

TEST(WaitBeating, EndsWithWhatItWaitsFor) {
  int waits = 0;
  const auto second = [&](Duration) { return ++waits == 2; };
  EXPECT_TRUE(WaitBeating(second, Seconds(30), Seconds(1), [] {}));
  EXPECT_EQ(waits, 2);
}

TEST(WaitBeating, ALimitOfNothingIsNoWait) {
  EXPECT_FALSE(WaitBeating([](Duration) { return true; }, Duration{}, Seconds(1), [] {}));
}

}  // namespace
}  // namespace windrose
