#include "common/config/config_setting.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace windrose {
namespace {

TEST(ConfigSetting, LeavesTheFieldAloneWhenItRefuses) {
  int64_t number = 7;
  const ConfigSetting setting = IntegerSetting<int64_t>(number, -10, 10);
  for (const std::string text : {"11", "-11", "", "1 ", "1.0", "0x1", "9223372036854775808"}) {
    EXPECT_FALSE(setting.set(text).ok()) << text;
  }
  EXPECT_EQ(number, 7);
  EXPECT_TRUE(setting.set("-10").ok());
  EXPECT_EQ(number, -10);
}

TEST(ConfigSetting, TakesTheWholeRangeOfItsType) {
  uint64_t number = 0;
  const ConfigSetting setting =
      IntegerSetting<uint64_t>(number, 0, std::numeric_limits<uint64_t>::max());
  EXPECT_TRUE(setting.set("18446744073709551615").ok());
  EXPECT_EQ(setting.print(), "18446744073709551615");
  EXPECT_FALSE(setting.set("-1").ok());
}

TEST(ConfigSetting, PrintsWhatItReads) {
  double ratio = 0.1;
  const ConfigSetting setting = DoubleSetting(ratio, 0, 1);
  EXPECT_EQ(setting.print(), "0.1");
  EXPECT_TRUE(setting.set("1e-3").ok());
  EXPECT_TRUE(setting.set(setting.print()).ok());
  EXPECT_EQ(ratio, 0.001);
}

TEST(ConfigSetting, TakesIntegersSeparatedByCommas) {
  std::vector<uint32_t> numbers = {7};
  const ConfigSetting setting = IntegersSetting(numbers, 1, 1024);
  for (const std::string text :
       {"0", "-1", "x", "8x", " 8", "1025", "99999999999", "1,,2", "1,0", "1,", ",1", ","}) {
    EXPECT_FALSE(setting.set(text).ok()) << text;
  }
  EXPECT_EQ(numbers, std::vector<uint32_t>{7});
  EXPECT_TRUE(setting.set("1,8,1024").ok());
  EXPECT_EQ(numbers, (std::vector<uint32_t>{1, 8, 1024}));
  EXPECT_EQ(setting.print(), "[1, 8, 1024]");
  EXPECT_TRUE(setting.set("").ok());
  EXPECT_EQ(setting.print(), "[]");
}

TEST(ConfigSetting, RefusesEmptyItemsOfAList) {
  std::vector<std::string> items = {"old"};
  const ConfigSetting setting = ListSetting(items);
  for (const std::string text : {"a:1,", ",a:1", "a:1,,b:2", ","}) {
    EXPECT_FALSE(setting.set(text).ok()) << text;
  }
  EXPECT_EQ(items, std::vector<std::string>{"old"});
  EXPECT_TRUE(setting.set("a:1,b:2").ok());
  EXPECT_EQ(items, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_TRUE(setting.set("").ok());
  EXPECT_TRUE(items.empty());
}

TEST(ConfigSetting, BoundsText) {
  std::string text;
  const ConfigSetting setting = TextSetting(text);
  EXPECT_TRUE(setting.set(std::string(65536, 'a')).ok());
  EXPECT_FALSE(setting.set(std::string(65537, 'a')).ok());
  EXPECT_FALSE(setting.set(std::string("a\0b", 3)).ok());
}

}  // namespace
}  // namespace windrose
