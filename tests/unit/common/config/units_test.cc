#include "common/config/units.h"

#include <gtest/gtest.h>

#include <string>

namespace windrose {
namespace {

TEST(Units, ReadsTimes) {
  EXPECT_EQ(*ParseDuration("10s"), Seconds(10));
  EXPECT_EQ(*ParseDuration("250ms"), Milliseconds(250));
  EXPECT_EQ(*ParseDuration("1.5s"), Milliseconds(1500));
  EXPECT_EQ(*ParseDuration("50us"), Microseconds(50));
  EXPECT_EQ(*ParseDuration("2m"), Seconds(120));
  EXPECT_EQ(*ParseDuration("1h"), Seconds(3600));
}

TEST(Units, ATimeIsTheSameReadAgain) {
  for (const std::string text : {"0.6us", "1.0004ms", "0.0000007s"}) {
    const Duration read = *ParseDuration(text);
    EXPECT_EQ(*ParseDuration(FormatDuration(read)), read) << text;
    EXPECT_GT(read, Duration(0)) << text;
  }
}

TEST(Units, RefusesTimesWithoutUnitOrSense) {
  for (const std::string text :
       {"", "10", "0", "-1s", "+1s", "s", "1 s", " 1s", "1s ", "1S", "1sec", ".5s", "1.s", "1..5s",
        "1e3s", "nans", "99999999999999999999h", "1d", "0x1s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(*ParseBytes("2GiB"), uint64_t{2} << 30);
  EXPECT_EQ(*ParseBytes("64MiB"), uint64_t{64} << 20);
  EXPECT_EQ(*ParseBytes("512B"), 512u);
  EXPECT_EQ(*ParseBytes("0B"), 0u);
}

TEST(Units, RefusesSizesWithoutUnitOrSense) {
  for (const std::string text : {"", "10", "1GB", "1gib", "-1B", "1.5GiB", "GiB", "1 GiB",
                                 "16777216TiB", "99999999999999999999B"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
}

TEST(Units, WritesWhatItReads) {
  for (const std::string text : {"50us", "250ms", "10s", "2m", "1h", "90s", "1500ms"}) {
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  }
  for (const std::string text : {"0B", "513B", "3KiB", "2GiB", "1025MiB"}) {
    EXPECT_EQ(FormatBytes(*ParseBytes(text)), text);
  }
}

}  // namespace
}  // namespace windrose
