#include "common/model/large_pages.h"

#include <gtest/gtest.h>

#include <sstream>

namespace windrose {
namespace {

constexpr char kSmaps[] =
    "55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0                          [heap]\n"
    "Rss:                 132 kB\n"
    "AnonHugePages:         0 kB\n"
    "FilePmdMapped:      2048 kB\n"
    "7f0c4a600000-7f0c610c1000 r--s 00000000 fe:00 5374021   /models/m/expert-00.safetensors\n"
    "Rss:              371460 kB\n"
    "ShmemPmdMapped:        0 kB\n"
    "FilePmdMapped:    370688 kB\n"
    "VmFlags: rd mr me ms sd hg\n"
    "7f0c61200000-7f0c77cc1000 r--s 00000000 00:1a 7   /dev/shm/m/expert-01.safetensors\n"
    "ShmemPmdMapped:     4096 kB\n"
    "FilePmdMapped:         0 kB\n";

uint64_t BytesOf(const std::string& smaps, const std::vector<uintptr_t>& begins) {
  std::istringstream in(smaps);
  return BytesInLargePages(in, begins);
}

TEST(LargePages, CountsThoseOfTheMappingsAlone) {
  EXPECT_EQ(BytesOf(kSmaps, {0x7f0c4a600000}), 370688 * 1024);
  EXPECT_EQ(BytesOf(kSmaps, {0x7f0c4a600000, 0x7f0c61200000}), (370688 + 4096) * 1024);
  EXPECT_EQ(BytesOf(kSmaps, {0x7f0c4a601000}), 0);
  EXPECT_EQ(BytesOf(kSmaps, {}), 0);
}

TEST(LargePages, AreNoneWhereTheSystemSaysNothing) {
  EXPECT_EQ(BytesOf("", {0x7f0c4a600000}), 0);
  EXPECT_EQ(BytesOf("7f0c4a600000-7f0c610c1000 r--s\nRss: 4 kB\nFilePmdMapped: lots\n-\n",
                    {0x7f0c4a600000}),
            0);
}

// Memory of this process that is no file's.
TEST(LargePages, ReadsTheAccountOfThisProcess) {
  const std::byte here{};
  EXPECT_EQ(BytesInLargePages(std::vector<std::span<const std::byte>>{{&here, 1}}), 0);
}

}  // namespace
}  // namespace windrose
