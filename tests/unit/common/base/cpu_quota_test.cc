#include "common/base/cpu_quota.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "common/base/thread_placement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace windrose {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The file system of a process: what it finds about its groups.
class FakeSystem {
 public:
  explicit FakeSystem(const std::string& self_cgroup) { Write("/proc/self/cgroup", self_cgroup); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void WriteVersion1(const std::string& group, const std::string& quota) {
    Write(group + "/cpu.cfs_quota_us", quota + "\n");
    Write(group + "/cpu.cfs_period_us", "100000\n");
  }
  const std::string& root() const { return directory_.path(); }
  std::optional<uint64_t> Quota() const { return ReadCpuQuota(root()); }

 private:
  TemporaryDirectory directory_;
};

TEST(CpuQuota, IsInWholeProcessorsAndAtLeastOne) {
  EXPECT_EQ(ParseCpuQuota("400000 100000\n"), 4U);
  EXPECT_EQ(ParseCpuQuota("150000 100000\n"), 2U);
  EXPECT_EQ(ParseCpuQuota("100001 100000\n"), 2U);
  EXPECT_EQ(ParseCpuQuota("1000 1000000\n"), 1U);
  EXPECT_EQ(ParseCpuQuota("200000\n 100000\n"), 2U);
  EXPECT_EQ(ParseCpuQuota("18446744073709551615 1"), UINT64_MAX);
  EXPECT_EQ(ParseCpuQuota("1 18446744073709551615"), 1U);
}

TEST(CpuQuota, IsNoneWhereTheTextIsNotTwoPositiveNumbers) {
  for (const char* text :
       {"max 100000\n", "-1\n 100000\n", "", "\n", " ", "100000", "100000 \n", "100000 0",
        "0 100000", "100000 -1", "1.5 1", "1x 1", "x 1", "1 1x", "1 1 1", "100000,100000",
        "18446744073709551616 1", "1 99999999999999999999999999"}) {
    EXPECT_EQ(ParseCpuQuota(text), std::nullopt) << text;
  }
}

TEST(CpuQuota, MayStandInTheGroupAndInAllAboveIt) {
  EXPECT_THAT(CpuQuotaDirectories("0::/a/b\n"),
              ElementsAre("/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup",
                          "/sys/fs/cgroup/unified/a/b", "/sys/fs/cgroup/unified/a",
                          "/sys/fs/cgroup/unified"));
  EXPECT_THAT(CpuQuotaDirectories("5:memory:/m\n4:cpuset:/s\n3:cpu,cpuacct:/a:b\n"),
              ElementsAre("/sys/fs/cgroup/cpu/a:b", "/sys/fs/cgroup/cpu",
                          "/sys/fs/cgroup/cpu,cpuacct/a:b", "/sys/fs/cgroup/cpu,cpuacct"));
}

TEST(CpuQuota, StandsNowhereForGroupsThatAreNotUnderstood) {
  for (const char* text : {"", "\n\n", "0", "0:", ":", "1:name=systemd:/a", "3:cpuacct:/a"}) {
    EXPECT_THAT(CpuQuotaDirectories(text), IsEmpty()) << text;
  }
  for (const char* text : {"0::", "0::/", "0::a/b", "::"}) {
    EXPECT_THAT(CpuQuotaDirectories(text), ElementsAre("/sys/fs/cgroup", "/sys/fs/cgroup/unified"))
        << text;
  }
}

TEST(CpuQuota, IsThatOfAGroupOfVersion2) {
  FakeSystem system("0::/windrose\n");
  system.Write("/sys/fs/cgroup/windrose/cpu.max", "250000 100000\n");
  EXPECT_EQ(system.Quota(), 3U);
  system.Write("/sys/fs/cgroup/windrose/cpu.max", "max 100000\n");
  EXPECT_EQ(system.Quota(), std::nullopt);
}

TEST(CpuQuota, IsTheSmallestOfAGroupAndThoseAboveIt) {
  FakeSystem system("0::/pods/pod/container\n");
  system.Write("/sys/fs/cgroup/pods/cpu.max", "6000000 100000\n");
  system.Write("/sys/fs/cgroup/pods/pod/cpu.max", "400000 100000\n");
  system.Write("/sys/fs/cgroup/pods/pod/container/cpu.max", "800000 100000\n");
  EXPECT_EQ(system.Quota(), 4U);
  system.Write("/sys/fs/cgroup/pods/pod/container/cpu.max", "max 100000\n");
  EXPECT_EQ(system.Quota(), 4U);
  system.Write("/sys/fs/cgroup/pods/pod/container/cpu.max", "50000 100000\n");
  EXPECT_EQ(system.Quota(), 1U);
}

TEST(CpuQuota, IsThatOfAGroupOfVersion1) {
  FakeSystem system("4:memory:/windrose\n3:cpu,cpuacct:/windrose\n0::/\n");
  system.WriteVersion1("/sys/fs/cgroup/cpu,cpuacct", "-1");
  system.WriteVersion1("/sys/fs/cgroup/cpu,cpuacct/windrose", "300000");
  EXPECT_EQ(system.Quota(), 3U);
  system.WriteVersion1("/sys/fs/cgroup/cpu,cpuacct/windrose", "-1");
  EXPECT_EQ(system.Quota(), std::nullopt);
}

TEST(CpuQuota, OfAContainerStandsAtTheRootOfTheMount) {
  FakeSystem version_1("3:cpu:/kubepods/pod/container\n");
  version_1.WriteVersion1("/sys/fs/cgroup/cpu", "200000");
  EXPECT_EQ(version_1.Quota(), 2U);
  FakeSystem version_2("0::/\n");
  version_2.Write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(version_2.Quota(), 2U);
}

TEST(CpuQuota, IsFoundWhereBothVersionsAreMounted) {
  FakeSystem system("3:memory:/a\n0::/a\n");
  system.Write("/sys/fs/cgroup/unified/a/cpu.max", "200000 100000\n");
  EXPECT_EQ(system.Quota(), 2U);
}

TEST(CpuQuota, IsNoneWhereNothingCanBeRead) {
  EXPECT_EQ(ReadCpuQuota("/nowhere"), std::nullopt);
  FakeSystem system("0::/a\n3:cpu:/a\n");
  EXPECT_EQ(system.Quota(), std::nullopt);
  std::filesystem::create_directories(system.root() + "/sys/fs/cgroup/a/cpu.max");
  system.Write("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n");  // without a period
  EXPECT_EQ(system.Quota(), std::nullopt);
}

TEST(CpuQuota, LimitsTheThreadsThatNobodyCounted) {
  const size_t usable = UsableCpus().size();
  FakeSystem system("0::/\n");
  EXPECT_EQ(ThreadCount(0, system.root()), usable);
  system.Write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(ThreadCount(0, system.root()), 1U);
  EXPECT_EQ(ThreadCount(3, system.root()), 3U);
  system.Write("/sys/fs/cgroup/cpu.max", "102400000 100000\n");
  EXPECT_EQ(ThreadCount(0, system.root()), usable);
}

}  // namespace
}  // namespace windrose
