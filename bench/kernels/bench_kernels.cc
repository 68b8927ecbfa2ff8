// MatMul over the shapes of Mixtral 8x7B's experts, as a share of what the machine can do.
//
// Counters: gigaflops and gigabytes of weights a second; of_products and of_memory are the shares
// of the rates measured at the start of the same run, with the instruction that the weights' format
// is multiplied with; of_roof is the share of the lower of the two ceilings. The environment
// variable WINDROSE_INSTRUCTION_SET forces a path.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/kernels/byte_peak.h"
#include "bench/kernels/machine_peak.h"
#include "common/base/check.h"
#include "common/base/thread_pool.h"
#include "common/kernels/instruction_set.h"
#include "common/kernels/matmul.h"
#include "common/tensor/aligned_buffer.h"

namespace windrose {
namespace {

constexpr size_t kHidden = 4096;
constexpr size_t kExpertWidth = 14336;

struct Machine {
  double bytes_per_second;
  double flops;
  double bf16_flops;  // of packed bf16; 0: no such instruction
  double byte_ops;    // of q8 and q4; 0: not known

  // The ceiling of products with weights of `dtype`.
  double OperationsOf(DType dtype) const {
    if (dtype == DType::kPackedBf16 && bf16_flops > 0) return bf16_flops;
    return IsQuantized(dtype) && byte_ops > 0 ? byte_ops : flops;
  }
};

struct Case {
  DType dtype;
  size_t rows;
  size_t inputs;
  size_t outputs;
};

void Report(benchmark::State& state, const Case& shape, const Machine& machine) {
  const double flops = 2.0 * static_cast<double>(shape.rows * shape.inputs * shape.outputs);
  const WeightView weight{shape.dtype, nullptr, shape.outputs, shape.inputs};
  const auto bytes = static_cast<double>(weight.bytes());
  const double operations = machine.OperationsOf(shape.dtype);
  // The time the better of the two ceilings would still need.
  const double roof = std::max(flops / operations, bytes / machine.bytes_per_second);
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["gigaflops"] = benchmark::Counter(flops * 1e-9, rate);
  state.counters["gigabytes"] = benchmark::Counter(bytes * 1e-9, rate);
  state.counters["of_products"] = benchmark::Counter(flops / operations, rate);
  state.counters["of_memory"] = benchmark::Counter(bytes / machine.bytes_per_second, rate);
  state.counters["of_roof"] = benchmark::Counter(roof, rate);
}

void BenchMatMul(benchmark::State& state, const Case& shape, const Machine& machine,
                 ThreadPool& pool) {
  WeightView view{shape.dtype, nullptr, shape.outputs, shape.inputs};
  AlignedBuffer<uint16_t> weights(view.bytes() / sizeof(uint16_t));
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<uint16_t>(0x3C00 + i * 7 % 512);  // harmless numbers in each format
  }
  AlignedBuffer<float> x(shape.rows * shape.inputs);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 13) * 0.01F;
  AlignedBuffer<float> out(shape.rows * shape.outputs);
  view.data = reinterpret_cast<const std::byte*>(weights.data());
  MatMulInput input(shape.rows, shape.inputs);
  input.set_bf16_order(FastestBf16Order());
  for (auto _ : state) {
    input.Assign(ConstRows(x.span(), shape.inputs), shape.dtype, pool);
    MatMul(input, view, Rows(out.span(), shape.outputs), pool);
    benchmark::DoNotOptimize(out.data());
  }
  Report(state, shape, machine);
}

void RegisterAll(const Machine& machine, ThreadPool& pool) {
  for (const DType dtype :
       {DType::kQ4, DType::kQ8, DType::kPackedBf16, DType::kBf16, DType::kF32}) {
    for (const size_t rows : {1U, 2U, 3U, 4U, 8U, 32U, 512U}) {
      for (const bool up : {true, false}) {
        const Case shape{dtype, rows, up ? kHidden : kExpertWidth, up ? kExpertWidth : kHidden};
        const std::string name = std::string(up ? "w1" : "w2") + "/" + std::string(NameOf(dtype)) +
                                 "/rows:" + std::to_string(rows);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [shape, machine, &pool](benchmark::State& state) {
                                       BenchMatMul(state, shape, machine, pool);
                                     })
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
}

}  // namespace
}  // namespace windrose

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  if (const char* set = std::getenv("WINDROSE_INSTRUCTION_SET")) {
    CHECK(windrose::UseInstructionSet(set).ok());
  }
  const auto processors = static_cast<size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  windrose::ThreadPool pool(processors);
  const windrose::Machine machine{
      windrose::MeasureReadBandwidth(pool), windrose::MeasureMultiplyAddRate(pool),
      windrose::MeasureBf16Rate(pool), windrose::MeasureByteProductRate(pool)};
  std::printf("%s, %zu threads: memory %.1f GB/s, multiply-add %.1f GFLOP/s",
              windrose::InstructionSet().c_str(), pool.thread_count(),
              machine.bytes_per_second * 1e-9, machine.flops * 1e-9);
  if (machine.bf16_flops > 0) std::printf(", of bf16 pairs %.1f", machine.bf16_flops * 1e-9);
  if (machine.byte_ops > 0) std::printf(", of bytes %.1f Gop/s", machine.byte_ops * 1e-9);
  std::printf("\n");
  windrose::RegisterAll(machine, pool);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
