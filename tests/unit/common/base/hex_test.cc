#include "common/base/hex.h"

#include <gtest/gtest.h>

namespace windrose {
namespace {

TEST(HexDigits, HaveTheAskedForWidthHighFirst) {
  EXPECT_EQ(HexDigits(0x0123456789ABCDEF, 16), "0123456789abcdef");
  EXPECT_EQ(HexDigits(0, 4), "0000");
  EXPECT_EQ(HexDigits(0x1F, 4), "001f");
  EXPECT_EQ(HexDigits(UINT64_MAX, 16), "ffffffffffffffff");
}

TEST(HexDigits, DropWhatIsAbove) { EXPECT_EQ(HexDigits(0xABCD, 2), "cd"); }

}  // namespace
}  // namespace windrose
