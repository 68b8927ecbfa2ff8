#define HWY_WANT_AVX3_DL 1
#include "bench/kernels/machine_peak.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "bench/kernels/unit_peak.h"
#include "common/base/time.h"
#include "common/kernels/instruction_set.h"
#include "common/tensor/aligned_buffer.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/kernels/machine_peak.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `rounds` rounds of 12 independent multiply-adds; returns operations done. `seed` must not be
// known at compile time.
double RunMultiplyAdds(size_t rounds, float seed, float* sink) {
  const hn::CappedTag<float, 16> d;
  constexpr size_t kChains = 12;
  const auto factor = hn::Set(d, seed);
  hn::Vec<decltype(d)> chain[kChains];
  for (auto& value : chain) value = hn::Set(d, seed);
  for (size_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(12)
    for (size_t i = 0; i < kChains; ++i) chain[i] = hn::MulAdd(chain[i], factor, factor);
  }
  auto sum = chain[0];
  for (size_t i = 1; i < kChains; ++i) sum = hn::Add(sum, chain[i]);
  *sink = hn::GetLane(sum);
  return 2.0 * static_cast<double>(rounds * kChains * hn::Lanes(d));
}

// Likewise of products of bf16 pairs; 0 where the set has no such instruction.
double RunBf16Products(size_t rounds, float seed, float* sink) {
#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX3_DL
  constexpr size_t kChains = 12;
  const __m512i pairs = _mm512_castps_si512(_mm512_set1_ps(seed));
  __m512 chain[kChains];
  HWY_UNROLL(12)
  for (size_t i = 0; i < kChains; ++i) chain[i] = _mm512_set1_ps(seed);
  for (size_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(12)
    for (size_t i = 0; i < kChains; ++i) {
      __asm__("vdpbf16ps %1, %1, %0" : "+v"(chain[i]) : "v"(pairs));
    }
  }
  __m512 sum = chain[0];
  HWY_UNROLL(12)
  for (size_t i = 1; i < kChains; ++i) sum = _mm512_add_ps(sum, chain[i]);
  *sink = _mm512_cvtss_f32(sum);
  return 4.0 * 16 * static_cast<double>(rounds * kChains);
#else
  *sink = seed;
  return 0 * static_cast<double>(rounds);
#endif
}

// Reads all of `bytes`, which begin on a line, but the last few, and asks for each line `ahead` of
// its use: processors differ in how well they see for themselves what comes next.
uint64_t ReadLines(std::span<const std::byte> bytes, size_t ahead) {
  constexpr size_t kLines = 4;  // that are summed side by side
  constexpr size_t kLineWords = 8;
  const hn::CappedTag<uint64_t, kLineWords> d;
  hn::Vec<decltype(d)> sums[kLines];
  for (auto& sum : sums) sum = hn::Zero(d);
  const auto* const words = reinterpret_cast<const uint64_t*>(bytes.data());
  const size_t count = bytes.size() / sizeof(uint64_t);
  for (size_t at = 0; at + kLines * kLineWords <= count; at += kLines * kLineWords) {
    HWY_UNROLL(4)
    for (size_t line = 0; line < kLines; ++line) {
      const uint64_t* const begin = words + at + line * kLineWords;
      PrefetchLine(reinterpret_cast<const std::byte*>(begin) + ahead);
      HWY_UNROLL(8)
      for (size_t i = 0; i < kLineWords; i += hn::Lanes(d)) {
        sums[line] = hn::Add(sums[line], hn::Load(d, begin + i));
      }
    }
  }
  const auto sum = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(RunMultiplyAdds);
HWY_EXPORT(RunBf16Products);
HWY_EXPORT(ReadLines);

constexpr size_t kReadBytes = size_t{1} << 30;  // more than caches hold, in parts
constexpr size_t kPartBytes = size_t{4} << 20;
constexpr int kRepeats = 5;  // the best counts: others may disturb
constexpr size_t kRounds = 20'000'000;

}  // namespace

double MeasureRate(ThreadPool& pool, const std::function<double(float* sink)>& run) {
  const SystemClock clock;
  double best = 0;
  std::vector<float> sinks(pool.thread_count() * 16);  // a cache line each
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    std::vector<double> operations(pool.thread_count());
    const TimePoint start = clock.Now();
    pool.ParallelFor(pool.thread_count(), 1, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) operations[i] = run(&sinks[i * 16]);
    });
    double total = 0;
    for (const double count : operations) total += count;
    best = std::max(best, total / ToSeconds(clock.Now() - start));
  }
  return best;
}

double MeasureReadBandwidth(std::span<const std::span<const std::byte>> parts, ThreadPool& pool) {
  const SystemClock clock;
  size_t bytes = 0;
  for (const auto& part : parts) bytes += part.size();
  std::atomic<uint64_t> sum{0};
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    for (const size_t ahead : {size_t{0}, size_t{4096}}) {
      const TimePoint start = clock.Now();
      pool.ParallelFor(parts.size(), 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
          sum += HWY_DYNAMIC_DISPATCH(ReadLines)(parts[i], ahead);
      });
      best = std::max(best, static_cast<double>(bytes) / ToSeconds(clock.Now() - start));
    }
  }
  return best;
}

double MeasureReadBandwidth(ThreadPool& pool) {
  const AlignedBuffer<std::byte> memory(kReadBytes);
  std::vector<std::span<const std::byte>> parts;
  for (size_t at = 0; at < kReadBytes; at += kPartBytes) {
    parts.push_back(memory.span().subspan(at, kPartBytes));
  }
  return MeasureReadBandwidth(parts, pool);
}

double MeasureMultiplyAddRate(ThreadPool& pool) {
  return MeasureRate(
      pool, [](float* sink) { return HWY_DYNAMIC_DISPATCH(RunMultiplyAdds)(kRounds, 0.5F, sink); });
}

double MeasureBf16Rate(ThreadPool& pool) {
  if (UsedProducts() == Products::kMatrixUnit) return MeasureUnitBf16Rate(pool);
  if (!UsesBf16Products()) return 0;
  return MeasureRate(
      pool, [](float* sink) { return HWY_DYNAMIC_DISPATCH(RunBf16Products)(kRounds, 0.5F, sink); });
}

}  // namespace windrose
#endif  // HWY_ONCE
