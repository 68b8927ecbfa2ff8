// Attention in the shape of Mixtral 8x7B over long contexts, in each format of the cache: one row
// that decodes, and a chunk of a prompt.
//
// Counters: gigabytes of keys and values that a row, or a tile of rows, reads, a second; of_memory,
// their share of the bandwidth measured at the start of the same run; gigaflops of the products,
// and of_fma likewise.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "bench/kernels/machine_peak.h"
#include "common/kernels/attention.h"
#include "common/kernels/instruction_set.h"
#include "common/tensor/aligned_buffer.h"
#include "coordinator/layers/kv_cache.h"

namespace windrose {
namespace {

constexpr size_t kHeads = 32;
constexpr size_t kKvHeads = 8;
constexpr size_t kHeadDim = 128;
constexpr size_t kTileRows = 8;            // as coordinator/layers/attention.cc cuts them
constexpr uint32_t kLongest = 32U * 1024;  // positions, of all layers together: beyond the caches

struct Machine {
  double bytes_per_second;
  double flops;
};

struct Case {
  KvCacheType type;
  uint32_t context;  // positions before the first row
  uint32_t rows;
};

MixtralConfig ConfigOf(const Case& shape) {
  MixtralConfig config;
  config.layers = shape.rows == 1 ? kLongest / shape.context : 1;
  config.kv_heads = kKvHeads;
  config.head_dim = kHeadDim;
  return config;
}

uint32_t BlocksOf(const Case& shape) {
  return static_cast<uint32_t>((shape.context + shape.rows + kAttentionBlock - 1) /
                               kAttentionBlock);
}

KvCache FilledCache(const Case& shape) {
  const MixtralConfig config = ConfigOf(shape);
  KvCache kv = KvCache::Create(config, BlocksOf(shape), shape.type).value();
  std::vector<float> vector(kHeadDim);
  for (size_t i = 0; i < kHeadDim; ++i) vector[i] = static_cast<float>(i % 13) * 0.1F - 0.6F;
  for (LayerIndex layer{0}; layer.value() < config.layers; ++layer) {
    for (BlockId block{0}; block.value() < kv.block_count(); ++block) {
      for (size_t item = 0; item < kKvHeads * kAttentionBlock; ++item) {
        const size_t head = item / kAttentionBlock;
        WriteCached(shape.type, vector, item % kAttentionBlock, kv.Keys(layer, block, head));
        WriteCached(shape.type, vector, item % kAttentionBlock, kv.Values(layer, block, head));
      }
    }
  }
  return kv;
}

// All rows of a case, as the coordinator's attention computes them.
class AttentionRun {
 public:
  explicit AttentionRun(const Case& shape)
      : shape_(shape),
        kv_(FilledCache(shape)),
        queries_(shape.rows * kHeads * kHeadDim),
        weighted_(queries_.size()),
        largest_(shape.rows * kHeads),
        sums_(largest_.size()) {
    for (size_t i = 0; i < queries_.size(); ++i) queries_[i] = static_cast<float>(i % 7) * 0.1F;
  }

  void Layer(LayerIndex layer, ThreadPool& pool) {
    const size_t tiles = (shape_.rows + kTileRows - 1) / kTileRows;
    pool.ParallelFor(tiles * kKvHeads, 1, [&](size_t begin, size_t end) {
      for (size_t item = begin; item < end; ++item) {
        Tile(layer, item / kKvHeads * kTileRows, item % kKvHeads);
      }
    });
    benchmark::DoNotOptimize(weighted_.data());
  }

 private:
  AttentionState StateOf(size_t row, size_t kv_head) {
    const size_t head = row * kHeads + kv_head * group_.head_count;
    return {&largest_[head], &sums_[head], &weighted_[head * kHeadDim]};
  }

  void Tile(LayerIndex layer, size_t first_row, size_t kv_head) {
    const size_t end_row = std::min<size_t>(first_row + kTileRows, shape_.rows);
    for (size_t row = first_row; row < end_row; ++row)
      ResetAttention(group_, StateOf(row, kv_head));
    const size_t last_block = (shape_.context + end_row - 1) / kAttentionBlock;
    for (BlockId block{0}; block.value() <= last_block; ++block) {
      AttentionKeys cached{shape_.type, kv_.Keys(layer, block, kv_head),
                           kv_.Values(layer, block, kv_head)};
      if (block.value() < last_block) {
        const BlockId next{block.value() + 1};
        cached.next_keys = kv_.Keys(layer, next, kv_head);
        cached.next_values = kv_.Values(layer, next, kv_head);
      }
      for (size_t row = first_row; row < end_row; ++row) {
        const size_t seen = shape_.context + row + 1;
        const size_t before = block.value() * kAttentionBlock;
        if (seen <= before) continue;
        cached.count = std::min(seen - before, kAttentionBlock);
        AttendBlock(group_, &queries_[(row * kHeads + kv_head * group_.head_count) * kHeadDim],
                    cached, StateOf(row, kv_head));
        cached.next_keys = cached.next_values = nullptr;
      }
    }
    for (size_t row = first_row; row < end_row; ++row) {
      FinishAttention(group_, StateOf(row, kv_head));
    }
  }

  const Case shape_;
  const AttentionGroup group_{kHeads / kKvHeads, kHeadDim, 1.0F / std::sqrt(float{kHeadDim})};
  KvCache kv_;
  AlignedBuffer<float> queries_;
  AlignedBuffer<float> weighted_;
  AlignedBuffer<float> largest_;
  AlignedBuffer<float> sums_;
};

void Report(benchmark::State& state, const Case& shape, const Machine& machine) {
  const double layers = ConfigOf(shape).layers;
  const double seen = shape.context + (shape.rows + 1) / 2.0;  // of a row, on average
  const double tiles = std::ceil(static_cast<double>(shape.rows) / kTileRows);
  const double per_position =
      static_cast<double>(2 * kKvHeads * HeadBlockBytes(shape.type, kHeadDim)) / kAttentionBlock;
  const double bytes = layers * tiles * seen * per_position;
  const double flops = layers * shape.rows * seen * 4.0 * kHeads * kHeadDim;
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["gigabytes"] = benchmark::Counter(bytes * 1e-9, rate);
  state.counters["of_memory"] = benchmark::Counter(bytes / machine.bytes_per_second, rate);
  state.counters["gigaflops"] = benchmark::Counter(flops * 1e-9, rate);
  state.counters["of_fma"] = benchmark::Counter(flops / machine.flops, rate);
}

void BenchAttention(benchmark::State& state, const Case& shape, const Machine& machine,
                    ThreadPool& pool) {
  AttentionRun run(shape);
  const size_t layers = ConfigOf(shape).layers;
  for (auto _ : state) {
    for (LayerIndex layer{0}; layer.value() < layers; ++layer) run.Layer(layer, pool);
  }
  Report(state, shape, machine);
}

void Register(const Case& shape, const Machine& machine, ThreadPool& pool) {
  const char* type = shape.type == KvCacheType::kF32    ? "f32"
                     : shape.type == KvCacheType::kBf16 ? "bf16"
                                                        : "q8";
  const std::string name = std::string(shape.rows == 1 ? "decode/" : "prefill/") + type +
                           "/context:" + std::to_string(shape.context);
  benchmark::RegisterBenchmark(name.c_str(),
                               [shape, machine, &pool](benchmark::State& state) {
                                 BenchAttention(state, shape, machine, pool);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void RegisterAll(const Machine& machine, ThreadPool& pool) {
  for (const KvCacheType type : {KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kQ8}) {
    for (const uint32_t context : {1U << 10, 8U << 10, kLongest}) {
      Register({type, context, 1}, machine, pool);
    }
    for (const uint32_t context : {0U, 8U << 10}) Register({type, context, 512}, machine, pool);
  }
}

}  // namespace
}  // namespace windrose

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const auto processors = static_cast<size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  windrose::ThreadPool pool(processors);
  const windrose::Machine machine{windrose::MeasureReadBandwidth(pool),
                                  windrose::MeasureMultiplyAddRate(pool)};
  std::printf("%s, %zu threads: memory %.1f GB/s, multiply-add %.1f GFLOP/s\n",
              windrose::InstructionSet().c_str(), pool.thread_count(),
              machine.bytes_per_second * 1e-9, machine.flops * 1e-9);
  windrose::RegisterAll(machine, pool);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
