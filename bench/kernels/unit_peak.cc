#include "bench/kernels/unit_peak.h"

#include <cstddef>
#include <cstdint>

#include "bench/kernels/machine_peak.h"

namespace windrose {

#if defined(__x86_64__)
namespace {

constexpr size_t kRounds = 5'000'000;
constexpr size_t kTiles = 4;  // of sums; more than the unit needs to be busy
constexpr size_t kRows = 16;
constexpr size_t kRowBytes = 64;

// All eight registers of full size, as LDTILECFG reads it.
struct FullTiles {
  uint8_t palette = 1;
  uint8_t unused[15] = {};
  uint16_t row_bytes[16] = {kRowBytes, kRowBytes, kRowBytes, kRowBytes,
                            kRowBytes, kRowBytes, kRowBytes, kRowBytes};
  uint8_t rows[16] = {kRows, kRows, kRows, kRows, kRows, kRows, kRows, kRows};
};

double Operations(size_t bytes_of_number) {
  return 2.0 * static_cast<double>(kRounds * kTiles * kRows * kRows * kRowBytes / bytes_of_number);
}

double MultiplyBytes(float* sink) {
  const FullTiles full;
  __asm__ volatile("ldtilecfg %0" : : "m"(full));
  for (size_t round = 0; round < kRounds; ++round) {
    __asm__ volatile(
        "tdpbssd %tmm5, %tmm4, %tmm0\n\ttdpbssd %tmm6, %tmm4, %tmm1\n\t"
        "tdpbssd %tmm7, %tmm4, %tmm2\n\ttdpbssd %tmm5, %tmm4, %tmm3");
  }
  __asm__ volatile("tilerelease");
  *sink = 0;
  return Operations(sizeof(int8_t));
}

double MultiplyBf16(float* sink) {
  const FullTiles full;
  __asm__ volatile("ldtilecfg %0" : : "m"(full));
  for (size_t round = 0; round < kRounds; ++round) {
    __asm__ volatile(
        "tdpbf16ps %tmm5, %tmm4, %tmm0\n\ttdpbf16ps %tmm6, %tmm4, %tmm1\n\t"
        "tdpbf16ps %tmm7, %tmm4, %tmm2\n\ttdpbf16ps %tmm5, %tmm4, %tmm3");
  }
  __asm__ volatile("tilerelease");
  *sink = 0;
  return Operations(sizeof(uint16_t));
}

}  // namespace

double MeasureUnitByteRate(ThreadPool& pool) { return MeasureRate(pool, MultiplyBytes); }
double MeasureUnitBf16Rate(ThreadPool& pool) { return MeasureRate(pool, MultiplyBf16); }

#else

double MeasureUnitByteRate(ThreadPool& /*pool*/) { return 0; }
double MeasureUnitBf16Rate(ThreadPool& /*pool*/) { return 0; }

#endif

}  // namespace windrose
