#include "common/kernels/processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace windrose {
namespace {

using testing::EndsWith;

// As /proc/cpuinfo lists them: fp asimd evtstrm crc32 cpuid.
constexpr uint64_t kCortexA72 = 0x887;
// fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop
// asimddp ssbs.
constexpr uint64_t kNeoverseN1 = 0x10119FFF;

TEST(Processor, OfTheTestsHasWhatTheKernelsNeed) { EXPECT_TRUE(CheckProcessor().ok()); }

TEST(Processor, OfArmServersHasWhatTheKernelsNeed) {
  EXPECT_TRUE(CheckArmProcessor(kNeoverseN1).ok());
}

TEST(Processor, WithoutWhatTheKernelsNeedIsRefusedByName) {
  const Status old = CheckArmProcessor(kCortexA72);
  EXPECT_EQ(old.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(old), EndsWith("came one without aes, atomics, asimddp"));
  const uint64_t without_products = kNeoverseN1 & ~(uint64_t{1} << 20);
  EXPECT_THAT(Message(CheckArmProcessor(without_products)), EndsWith("came one without asimddp"));
}

}  // namespace
}  // namespace windrose
