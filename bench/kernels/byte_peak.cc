#include "bench/kernels/byte_peak.h"

#include <cstddef>
#include <string>

#include "bench/kernels/machine_peak.h"
#include "bench/kernels/unit_peak.h"
#include "common/kernels/instruction_set.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace windrose {
namespace {

constexpr size_t kRounds = 20'000'000;

// Multiplies bytes for `rounds` rounds; returns the operations done. `seed` must not be known at
// compile time.
using Multiply = double (*)(size_t rounds, int seed, float* sink);

#if defined(__x86_64__)

// Twelve independent sums: enough to hide the latency of one.
constexpr size_t kSums = 12;

// Something of all sums, lest the compiler leave one out.
__attribute__((target("avx512f"))) float LaneOfAll(__m512i (&sums)[kSums]) {
  for (size_t i = 1; i < kSums; ++i) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  alignas(64) int lanes[16];
  _mm512_store_si512(lanes, sums[0]);
  return static_cast<float>(lanes[0]);
}

__attribute__((target("avx512f,avx512vnni"))) double MultiplyByVnni(size_t rounds, int seed,
                                                                    float* sink) {
  const __m512i bytes = _mm512_set1_epi8(static_cast<char>(seed));
  __m512i sums[kSums];
  for (__m512i& sum : sums) sum = _mm512_set1_epi32(seed);
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (__m512i& sum : sums) sum = _mm512_dpbusd_epi32(sum, bytes, bytes);
  }
  *sink = LaneOfAll(sums);
  return 2.0 * static_cast<double>(rounds) * kSums * 64;
}

// Pairs of products and their sum, in 16 bits: two instructions.
__attribute__((target("avx2"))) double MultiplyByAvx2(size_t rounds, int seed, float* sink) {
  __m256i bytes[6];
  __m256i sums[6];
  for (size_t i = 0; i < 6; ++i) {
    bytes[i] = _mm256_set1_epi8(static_cast<char>(seed));
    sums[i] = bytes[i];
  }
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 6
    for (size_t i = 0; i < 6; ++i) {
      sums[i] = _mm256_add_epi16(_mm256_maddubs_epi16(bytes[i], sums[i]), sums[i]);
    }
  }
  for (size_t i = 1; i < 6; ++i) sums[0] = _mm256_add_epi16(sums[0], sums[i]);
  *sink = static_cast<float>(_mm256_extract_epi16(sums[0], 0));
  return 2.0 * static_cast<double>(rounds) * 6 * 32;
}

// The same with 512 bits.
__attribute__((target("avx512bw"))) double MultiplyByAvx512(size_t rounds, int seed, float* sink) {
  const __m512i bytes = _mm512_set1_epi8(static_cast<char>(seed));
  __m512i sums[kSums];
  for (__m512i& sum : sums) sum = bytes;
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (__m512i& sum : sums) sum = _mm512_add_epi16(_mm512_maddubs_epi16(bytes, sum), sum);
  }
  *sink = LaneOfAll(sums);
  return 2.0 * static_cast<double>(rounds) * kSums * 64;
}

// With the instructions that the set in use has.
Multiply BestMultiply() {
  const std::string set = InstructionSet();
  if (set == "AVX2") return MultiplyByAvx2;
  if (set == "AVX3") return MultiplyByAvx512;
  return set.starts_with("AVX3") ? MultiplyByVnni : nullptr;
}

#else

Multiply BestMultiply() { return nullptr; }

#endif

}  // namespace

double MeasureByteProductRate(ThreadPool& pool) {
  if (UsedProducts() == Products::kMatrixUnit) return MeasureUnitByteRate(pool);
  const Multiply multiply = BestMultiply();
  if (multiply == nullptr) return 0;
  return MeasureRate(pool, [multiply](float* sink) { return multiply(kRounds, 1, sink); });
}

}  // namespace windrose
