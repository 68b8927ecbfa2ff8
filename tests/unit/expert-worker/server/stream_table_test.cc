#include "expert-worker/server/stream_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace windrose {
namespace {

TEST(StreamTable, NeverGivesANumberTwice) {
  StreamTable<int> table(2);
  const uint64_t first = table.NewNumber();
  table.Add(first, std::make_shared<int>(1));
  table.Remove(first);
  EXPECT_NE(table.NewNumber(), first);
}

TEST(StreamTable, SaysWhenItIsFullButHoldsTheStream) {
  StreamTable<int> table(1);
  EXPECT_TRUE(table.Add(1, std::make_shared<int>(1)));
  EXPECT_FALSE(table.Add(2, std::make_shared<int>(2)));
  EXPECT_EQ(*table.Find(2), 2);
  EXPECT_EQ(table.size(), 2U);
  table.Remove(1);
  EXPECT_EQ(table.Find(1), nullptr);
  table.Remove(1);
  EXPECT_EQ(table.All().size(), 1U);
}

TEST(StreamTable, WaitsUntilFewEnoughAreOpen) {
  StreamTable<int> table(2);
  const TimePoint past;
  EXPECT_TRUE(table.AwaitAtMost(0, past));
  table.Add(1, std::make_shared<int>(1));
  EXPECT_TRUE(table.AwaitAtMost(1, past));
  EXPECT_FALSE(table.AwaitAtMost(0, past));
  std::thread removing([&table] { table.Remove(1); });
  EXPECT_TRUE(table.AwaitAtMost(0, SystemClock().Now() + Seconds(60)));
  removing.join();
}

}  // namespace
}  // namespace windrose
