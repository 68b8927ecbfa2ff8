#include "bench/engine/engine_process.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/kernels/instruction_set.h"

namespace windrose::bench {
namespace {

constexpr uint32_t kBlocks = 1024;
constexpr uint32_t kMaxSequences = 64;
constexpr uint32_t kMaxBatchRows = 512;

// Counts tokens and forgets them.
struct TokenCounter final : TokenSink {
  void OnStarted(std::vector<TokenEvent>) override {}
  void OnToken(TokenEvent) override { ++tokens; }
  void OnFinished(Finish) override {}
  void OnError(const Status& status) override { error = status; }
  uint32_t tokens = 0;
  Status error;
};

MixtralConfig ConfigOf(const Checkpoint& checkpoint, uint32_t experts_per_token) {
  MixtralConfig config = checkpoint.config();
  if (experts_per_token > 0) config.top_k = experts_per_token;
  CHECK(config.top_k <= config.experts);
  return config;
}

ExpertWeights AllExperts(const Checkpoint& checkpoint) {
  std::vector<ExpertId> all;
  for (uint32_t id = 0; id < checkpoint.config().experts; ++id) all.emplace_back(id);
  ExpertWeights experts = checkpoint.Experts(all).value();
  const std::atomic<bool> never_stop{false};
  std::atomic<uint64_t> bytes_read{0};
  CHECK(experts.storage()->Read(WeightStorage::Compare::kNothing, never_stop, bytes_read).ok());
  return experts;
}

EngineLimits Limits() {
  EngineLimits limits;
  limits.scheduler = {.max_sequences = kMaxSequences,
                      .max_batch_rows = kMaxBatchRows,
                      .prefill_chunk = kMaxBatchRows,
                      .kv_blocks = kBlocks};
  return limits;
}

DispatchShape ShapeOf(const Checkpoint& checkpoint) {
  return {.expert_count = checkpoint.config().experts,
          .hidden = checkpoint.config().hidden,
          .model_hash = checkpoint.model_hash_prefix(),
          .bf16_order = FastestBf16Order()};
}

Request MakeRequest(const Load& load, uint32_t index, uint32_t vocabulary) {
  Request request;
  for (uint32_t i = 0; i < load.prompt_tokens; ++i) {
    request.prompt.emplace_back(3 + (index * 7919 + i * 104729) % (vocabulary - 3));
  }
  request.sampling.temperature = 0;
  request.max_tokens = load.new_tokens;
  request.ignore_eos = true;
  return request;
}

}  // namespace

EngineProcess::EngineProcess(const Checkpoint& checkpoint, const Tokenizer& tokenizer,
                             uint32_t threads, uint32_t experts_per_token)
    : config_(ConfigOf(checkpoint, experts_per_token)),
      pool_(threads),
      loop_(clock_),
      weights_(checkpoint.Coordinator().value()),
      expert_weights_(AllExperts(checkpoint)),
      cost_(ModelCost::Of(weights_, *expert_weights_.Find(LayerIndex(0), ExpertId(0)))),
      experts_(checkpoint, expert_weights_, pool_, loop_),
      kv_(KvCache::Create(config_, kBlocks).value()),
      dispatcher_(ShapeOf(checkpoint), {}, loop_, experts_, log_),
      step_(config_, weights_, dispatcher_, pool_, loop_),
      engine_(Limits(), {config_, loop_, step_, dispatcher_, kv_, tokenizer, counter_, log_}) {
  CHECK(loop_.RunUntil([this] { return engine_.NotReadyReason().empty(); },
                       loop_.Now() + Seconds(10)));
}

std::vector<std::span<const std::byte>> EngineProcess::expert_bytes() const {
  std::vector<std::span<const std::byte>> parts;
  for (uint32_t layer = 0; layer < config_.layers; ++layer) {
    for (uint32_t expert = 0; expert < config_.experts; ++expert) {
      const ExpertMatrices* const found = expert_weights_.Find(LayerIndex(layer), ExpertId(expert));
      for (const WeightView* view : {&found->w1, &found->w2, &found->w3}) {
        parts.emplace_back(view->data, view->bytes());
      }
    }
  }
  return parts;
}

Usage EngineProcess::Run(const Load& load) {
  std::vector<std::shared_ptr<TokenCounter>> sinks;
  const StepWork before = counter_.work();
  const TimePoint began = clock_.Now();
  for (uint32_t index = 0; index < load.requests; ++index) {
    sinks.push_back(std::make_shared<TokenCounter>());
    uint64_t ticket = 0;
    CHECK(engine_.Submit(MakeRequest(load, index, config_.vocabulary), sinks.back(), &ticket).ok());
  }
  while (engine_.unfinished() > 0) engine_.RunOnce();
  for (const auto& sink : sinks) CHECK(sink->tokens == load.new_tokens);
  return {.seconds = ToSeconds(clock_.Now() - began), .work = counter_.work() - before};
}

}  // namespace windrose::bench
