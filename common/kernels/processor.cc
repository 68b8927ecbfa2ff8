#include "common/kernels/processor.h"

#include <string>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace windrose {
namespace {

struct Capability {
  uint64_t bit;
  const char* name;  // as in /proc/cpuinfo
};

// What -march in CMakeLists.txt lets the compiler use.
constexpr Capability kNeededOnArm[] = {
    {1U << 3, "aes"}, {1U << 8, "atomics"}, {1U << 20, "asimddp"}};

}  // namespace

Status CheckArmProcessor(uint64_t capabilities) {
  std::string missing;
  for (const Capability& needed : kNeededOnArm) {
    if ((capabilities & needed.bit) != 0) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(needed.name);
  }
  if (missing.empty()) return OkStatus();
  return FailedPrecondition("processor: wanted 64-bit Arm with byte products, came one without " +
                            missing);
}

Status CheckProcessor() {
#if defined(__aarch64__)
  return CheckArmProcessor(getauxval(AT_HWCAP));
#else
  return OkStatus();  // Highway asks what an x86 processor has, and falls back.
#endif
}

}  // namespace windrose
