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

// Operations per second of `multiply`, kTiles products of full tiles, of numbers of so many bytes.
template <class Multiply>
double MeasureTiles(ThreadPool& pool, size_t number_bytes, const Multiply& multiply) {
  const size_t products = kRounds * kTiles * kRows * kRows * kRowBytes / number_bytes;
  return MeasureRate(pool, [&](float* /*sink*/) {
    const FullTiles full;
    __asm__ volatile("ldtilecfg %0" : : "m"(full));
    for (size_t round = 0; round < kRounds; ++round) multiply();
    __asm__ volatile("tilerelease");
    return 2.0 * static_cast<double>(products);
  });
}

}  // namespace

double MeasureUnitByteRate(ThreadPool& pool) {
  return MeasureTiles(pool, sizeof(int8_t), [] {
    __asm__ volatile(
        "tdpbssd %tmm5, %tmm4, %tmm0\n\ttdpbssd %tmm6, %tmm4, %tmm1\n\t"
        "tdpbssd %tmm7, %tmm4, %tmm2\n\ttdpbssd %tmm5, %tmm4, %tmm3");
  });
}

double MeasureUnitBf16Rate(ThreadPool& pool) {
  return MeasureTiles(pool, sizeof(uint16_t), [] {
    __asm__ volatile(
        "tdpbf16ps %tmm5, %tmm4, %tmm0\n\ttdpbf16ps %tmm6, %tmm4, %tmm1\n\t"
        "tdpbf16ps %tmm7, %tmm4, %tmm2\n\ttdpbf16ps %tmm5, %tmm4, %tmm3");
  });
}

#else

double MeasureUnitByteRate(ThreadPool& /*pool*/) { return 0; }
double MeasureUnitBf16Rate(ThreadPool& /*pool*/) { return 0; }

#endif

}  // namespace windrose
