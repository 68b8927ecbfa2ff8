#include "common/base/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace windrose {
namespace {

TEST(Descriptors, AreAsManyAsTheSystemAllows) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(DescriptorLimit(), 256u);
  RaiseDescriptorLimit();
  EXPECT_EQ(DescriptorLimit(), before.rlim_max == RLIM_INFINITY ? UINT64_MAX : before.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace windrose
