#include "common/kernels/matrix_unit.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace windrose {

#if defined(__x86_64__) && defined(__linux__)

namespace {

// From CPUID, leaf 7, EDX.
constexpr unsigned kBf16Products = 1U << 22;
constexpr unsigned kTiles = 1U << 24;
constexpr unsigned kByteProducts = 1U << 25;

bool ProcessorHasTiles() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kWanted = kBf16Products | kTiles | kByteProducts;
  return (d & kWanted) == kWanted;
}

// See "Using XSTATE features in user space applications" of the Linux kernel's documentation.
bool SystemGrantsTiles() {
  constexpr long kRequestPermission = 0x1023;
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool HasMatrixUnit() {
  static const bool has = ProcessorHasTiles() && SystemGrantsTiles();
  return has;
}

#else

bool HasMatrixUnit() { return false; }

#endif

}  // namespace windrose
