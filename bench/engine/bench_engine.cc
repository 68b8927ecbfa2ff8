// bench_engine: tokens per second of one process, experts included, without any network.
//
//   bench_engine --model DIR [--threads N] [--batches 1,8,32] [--prefills 512] [--tokens N]
//                [--runs N] [--experts-per-token N] [--instruction-set SET]
//
// What the cluster is compared with. Prints what the machine can do, then a line for each
// measurement, the median of its runs: how many bytes of weights and operations each token took,
// and how much of the machine's bandwidth and arithmetic that is.
//   machine threads 2 instruction_set AVX3 memory_gb 31.2 arithmetic_gop 480.5
//   batch 8 tokens_per_second 56.70 megabytes_per_token 502.1 megaoperations_per_token 3415.8 …
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "bench/engine/engine_process.h"
#include "bench/kernels/byte_peak.h"
#include "bench/kernels/machine_peak.h"
#include "common/config/config_parser.h"
#include "common/kernels/instruction_set.h"

namespace windrose::bench {
namespace {

constexpr uint32_t kMostTokens = 16000;
constexpr uint32_t kMostSequences = 64;

struct Options {
  std::string model;
  uint32_t threads = 2;
  std::vector<uint32_t> batches = {1, 8, 32};
  std::vector<uint32_t> prefills = {512};
  uint32_t tokens = 16;
  uint32_t runs = 3;
  uint32_t experts_per_token = 0;
  std::string instruction_set = "best";
};

// What the machine can do at best, in a second.
struct Machine {
  double bytes = 0;
  double operations = 0;
};

// One measurement, of `tokens` tokens.
struct Sample {
  double seconds = 0;
  double tokens = 0;
  double bytes = 0;
  double operations = 0;
};

// Bytes are read where they lie: memory is not equally fast everywhere.
Machine MeasureMachine(DType format, EngineProcess& process) {
  ThreadPool& pool = process.pool();
  Machine machine{.bytes = MeasureReadBandwidth(process.expert_bytes(), pool)};
  if (IsQuantized(format)) machine.operations = MeasureByteProductRate(pool);
  if (format == DType::kPackedBf16) machine.operations = MeasureBf16Rate(pool);
  if (machine.operations == 0) machine.operations = MeasureMultiplyAddRate(pool);
  return machine;
}

Sample PrefillSample(EngineProcess& process, uint32_t tokens) {
  const Usage usage = process.Run({.prompt_tokens = tokens, .new_tokens = 1});
  return {.seconds = usage.seconds,
          .tokens = static_cast<double>(tokens),
          .bytes = process.cost().Bytes(usage.work),
          .operations = process.cost().Operations(usage.work, 1)};
}

// The difference leaves the prompts out.
Sample DecodeSample(EngineProcess& process, uint32_t batch, uint32_t tokens) {
  const Usage shorter = process.Run({.requests = batch, .new_tokens = 1});
  const Usage longer = process.Run({.requests = batch, .new_tokens = 1 + tokens});
  const StepWork work = longer.work - shorter.work;
  const double count = static_cast<double>(batch) * tokens;
  return {.seconds = longer.seconds - shorter.seconds,
          .tokens = count,
          .bytes = process.cost().Bytes(work),
          .operations = process.cost().Operations(work, count)};
}

Sample Median(std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(),
            [](const Sample& one, const Sample& other) { return one.seconds < other.seconds; });
  return samples[samples.size() / 2];
}

void Report(const char* what, uint32_t size, const Sample& sample, const Machine& machine) {
  std::printf("%s %u tokens_per_second %.2f", what, size, sample.tokens / sample.seconds);
  std::printf(" megabytes_per_token %.2f megaoperations_per_token %.2f",
              sample.bytes / sample.tokens * 1e-6, sample.operations / sample.tokens * 1e-6);
  std::printf(" of_memory %.3f", sample.bytes / sample.seconds / machine.bytes);
  if (machine.operations > 0) {
    std::printf(" of_arithmetic %.3f", sample.operations / sample.seconds / machine.operations);
  }
  std::printf("\n");
  std::fflush(stdout);
}

template <class Measure>
Sample MedianOf(uint32_t runs, const Measure& measure) {
  std::vector<Sample> samples;
  for (uint32_t run = 0; run < runs; ++run) samples.push_back(measure());
  return Median(std::move(samples));
}

Status Run(const Options& options) {
  RETURN_IF_ERROR(UseInstructionSet(options.instruction_set));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(options.model));
  if (options.experts_per_token > checkpoint.config().experts) {
    return InvalidArgument("--experts-per-token: the model has " +
                           std::to_string(checkpoint.config().experts));
  }
  ASSIGN_OR_RETURN(const std::string pieces, checkpoint.Tokenizer());
  ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::Create(pieces));
  EngineProcess process(checkpoint, *tokenizer, options.threads, options.experts_per_token);
  const Machine machine = MeasureMachine(checkpoint.format(), process);
  std::printf("machine threads %u instruction_set %s memory_gb %.1f arithmetic_gop %.1f\n",
              options.threads, InstructionSet().c_str(), machine.bytes * 1e-9,
              machine.operations * 1e-9);
  process.Run({.new_tokens = 2});  // first touches
  for (const uint32_t tokens : options.prefills) {
    const auto measure = [&] { return PrefillSample(process, tokens); };
    Report("prefill", tokens, MedianOf(options.runs, measure), machine);
  }
  for (const uint32_t batch : options.batches) {
    const auto measure = [&] { return DecodeSample(process, batch, options.tokens); };
    Report("batch", batch, MedianOf(options.runs, measure), machine);
  }
  return OkStatus();
}

int Main(int argc, char** argv) {
  Options options;
  ConfigParser parser("bench_engine", "Tokens per second of one process, experts included.");
  parser.Add("model", options.model, "directory of the model");
  parser.Add("threads", options.threads, "threads that compute", 1, 1024);
  parser.Add("batches", options.batches, "numbers of sequences decoded at once", 1, kMostSequences);
  parser.Add("prefills", options.prefills, "lengths of prompts", 1, kMostTokens);
  parser.Add("tokens", options.tokens, "tokens generated by each sequence", 1, 4096);
  parser.Add("runs", options.runs, "runs of which the median counts", 1, 100);
  parser.Add("experts-per-token", options.experts_per_token,
             "experts that compute each row; 0: as many as the model says", 0, 256);
  parser.Add("instruction-set", options.instruction_set,
             "of the kernels: best, or one that the processor has, as AVX2");
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const Status status = Run(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bench_engine: %s\n", ToString(status).c_str());
  return 1;
}

}  // namespace
}  // namespace windrose::bench

int main(int argc, char** argv) { return windrose::bench::Main(argc, argv); }
