// bench_engine: tokens per second of one process, experts included, without any network.
//
//   bench_engine --model DIR [--threads N] [--batches 1,8,32] [--prefill N] [--tokens N] [--runs N]
//
// What the cluster is compared with. Prints a line for each measurement, the median of its runs:
//   prefill 512 tokens_per_second 123.4
//   batch 8 tokens_per_second 56.7
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/engine/local_experts.h"
#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/thread_event_loop.h"
#include "common/config/config_parser.h"
#include "common/kernels/instruction_set.h"
#include "coordinator/engine/engine.h"

namespace windrose::bench {
namespace {

struct Options {
  std::string model;
  uint32_t threads = 2;
  std::string batches = "1,8,32";
  uint32_t prefill = 512;
  uint32_t tokens = 16;
  uint32_t runs = 3;
};

constexpr uint32_t kDecodePrompt = 16;

// Counts tokens and forgets them.
struct Counter final : TokenSink {
  void OnStarted(std::vector<TokenEvent>) override {}
  void OnToken(TokenEvent) override { ++tokens; }
  void OnFinished(Finish) override {}
  void OnError(const Status& status) override { error = status; }
  uint32_t tokens = 0;
  Status error;
};

// The engine with everything it needs.
struct Process {
  Process(const Checkpoint& checkpoint, const Tokenizer& tokenizer, uint32_t threads)
      : pool(threads),
        loop(clock),
        weights(checkpoint.Coordinator().value()),
        experts(checkpoint, AllExperts(checkpoint), pool, loop),
        kv(KvCache::Create(checkpoint.config(), kBlocks).value()),
        dispatcher({checkpoint.config().experts, checkpoint.config().hidden,
                    checkpoint.model_hash_prefix(), wire::RowType::kF32},
                   {}, loop, experts, log),
        step(checkpoint.config(), weights, dispatcher, pool, loop),
        engine(Limits(),
               {checkpoint.config(), loop, step, dispatcher, kv, tokenizer, observer, log}) {
    loop.RunUntil([this] { return engine.NotReadyReason().empty(); }, loop.Now() + Seconds(10));
  }

  static ExpertWeights AllExperts(const Checkpoint& checkpoint) {
    std::vector<ExpertId> all;
    for (uint32_t id = 0; id < checkpoint.config().experts; ++id) all.emplace_back(id);
    ExpertWeights experts = checkpoint.Experts(all).value();
    CHECK(experts.MakeResident().ok());
    return experts;
  }

  static EngineLimits Limits() {
    EngineLimits limits;
    limits.scheduler = {
        .max_sequences = 64, .max_batch_rows = 512, .prefill_chunk = 512, .kv_blocks = kBlocks};
    return limits;
  }

  // Seconds that `count` requests of the same shape take together.
  double Measure(uint32_t count, uint32_t prompt_tokens, uint32_t max_tokens, uint32_t vocabulary) {
    std::vector<std::shared_ptr<Counter>> counters;
    const TimePoint began = clock.Now();
    for (uint32_t index = 0; index < count; ++index) {
      Request request;
      for (uint32_t i = 0; i < prompt_tokens; ++i) {
        request.prompt.emplace_back(3 + (index * 7919 + i * 104729) % (vocabulary - 3));
      }
      request.sampling.temperature = 0;
      request.max_tokens = max_tokens;
      request.ignore_eos = true;
      counters.push_back(std::make_shared<Counter>());
      uint64_t ticket = 0;
      CHECK(engine.Submit(std::move(request), counters.back(), &ticket).ok());
    }
    while (engine.unfinished() > 0) engine.RunOnce();
    for (const auto& counter : counters) CHECK(counter->tokens == max_tokens);
    return ToSeconds(clock.Now() - began);
  }

  static constexpr uint32_t kBlocks = 1024;

  SystemClock clock;
  NullLog log;
  NullEngineObserver observer;
  ThreadPool pool;
  ThreadEventLoop loop;
  CoordinatorWeights weights;
  LocalExperts experts;
  KvCache kv;
  Dispatcher dispatcher;
  Step step;
  Engine engine;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Report(const char* what, uint32_t size, const std::vector<double>& rates) {
  std::printf("%s %u tokens_per_second %.2f\n", what, size, Median(rates));
  std::fflush(stdout);
}

std::vector<uint32_t> Numbers(const std::string& text) {
  std::vector<uint32_t> numbers;
  for (size_t at = 0; at < text.size(); at = std::min(text.find(',', at), text.size() - 1) + 1) {
    numbers.push_back(static_cast<uint32_t>(std::stoul(text.substr(at))));
  }
  return numbers;
}

Status Run(const Options& options) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(options.model));
  ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::Create(options.model + "/tokenizer.model"));
  Process process(checkpoint, *tokenizer, options.threads);
  const uint32_t vocabulary = checkpoint.config().vocabulary;
  std::printf("instruction_set %s threads %u\n", InstructionSet().c_str(), options.threads);
  process.Measure(1, kDecodePrompt, 2, vocabulary);  // first touches
  if (options.prefill > 0) {
    std::vector<double> rates;
    for (uint32_t run = 0; run < options.runs; ++run) {
      rates.push_back(options.prefill / process.Measure(1, options.prefill, 1, vocabulary));
    }
    Report("prefill", options.prefill, rates);
  }
  for (const uint32_t batch : Numbers(options.batches)) {
    std::vector<double> rates;
    for (uint32_t run = 0; run < options.runs; ++run) {
      // The difference leaves the prompts out.
      const double shorter = process.Measure(batch, kDecodePrompt, 1, vocabulary);
      const double longer = process.Measure(batch, kDecodePrompt, 1 + options.tokens, vocabulary);
      rates.push_back(batch * options.tokens / (longer - shorter));
    }
    Report("batch", batch, rates);
  }
  return OkStatus();
}

int Main(int argc, char** argv) {
  Options options;
  ConfigParser parser("bench_engine", "Tokens per second of one process, experts included.");
  parser.Add("model", options.model, "directory of the model");
  parser.Add("threads", options.threads, "threads that compute", 1, 1024);
  parser.Add("batches", options.batches, "numbers of sequences decoded at once");
  parser.Add("prefill", options.prefill, "tokens of the prompt that is measured; 0: none", 0, 512);
  parser.Add("tokens", options.tokens, "tokens generated by each sequence", 1, 4096);
  parser.Add("runs", options.runs, "runs of which the median counts", 1, 100);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const Status status = Run(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bench_engine: %s\n", ToString(status).c_str());
  return 1;
}

}  // namespace
}  // namespace windrose::bench

int main(int argc, char** argv) { return windrose::bench::Main(argc, argv); }
