#include "tests/sim/sim_cluster.h"

#include <utility>

namespace windrose {

void Collected::OnStarted(std::vector<TokenEvent> echoed_prompt) {
  started = true;
  prompt = std::move(echoed_prompt);
}

void Collected::OnToken(TokenEvent event) {
  text += event.text;
  events.push_back(std::move(event));
}

void Collected::OnFinished(Finish end) {
  ++ends;
  text += end.text;
  finish = std::move(end);
}

void Collected::OnError(const Status& status) {
  ++ends;
  error = status;
}

std::vector<TokenId> Collected::tokens() const {
  std::vector<TokenId> ids;
  for (const TokenEvent& event : events) ids.push_back(event.id);
  return ids;
}

std::vector<ExpertId> ChainPlacement(size_t index, size_t workers, size_t replication,
                                     size_t expert_count) {
  std::vector<ExpertId> experts;
  for (size_t expert = 0; expert < expert_count; ++expert) {
    const size_t first = expert * workers / expert_count;
    const size_t distance = (index + workers - first) % workers;
    if (distance < replication) experts.emplace_back(static_cast<uint32_t>(expert));
  }
  return experts;
}

SimCluster::SimCluster(const Checkpoint& checkpoint, const Tokenizer& tokenizer,
                       const ClusterShape& shape, uint64_t seed, const NetworkFaults& faults)
    : pool_(shape.threads),
      weights_(checkpoint.Coordinator().value()),
      network_(loop_, checkpoint, seed, faults),
      kv_(KvCache::Create(checkpoint.config(), shape.scheduler.kv_blocks, shape.kv_cache_type)
              .value()) {
  const MixtralConfig& config = checkpoint.config();
  for (size_t index = 0; index < shape.workers; ++index) {
    network_.AddWorker(ChainPlacement(index, shape.workers, shape.replication, config.experts),
                       shape.threads);
  }
  const DispatchShape dispatch_shape{.expert_count = config.experts,
                                     .hidden = config.hidden,
                                     .model_hash = checkpoint.model_hash_prefix(),
                                     .row_type = shape.row_type,
                                     .bf16_order = shape.bf16_order,
                                     .expert = shape.expert};
  dispatcher_ = std::make_unique<Dispatcher>(dispatch_shape, shape.dispatch, loop_, network_, log_);
  step_ = std::make_unique<Step>(config, weights_, *dispatcher_, pool_, loop_);
  EngineLimits limits;
  limits.scheduler = shape.scheduler;
  engine_ = std::make_unique<Engine>(limits, EngineParts{.config = config,
                                                         .loop = loop_,
                                                         .step = *step_,
                                                         .dispatcher = *dispatcher_,
                                                         .kv = kv_,
                                                         .tokenizer = tokenizer,
                                                         .observer = observer_,
                                                         .log = log_});
  loop_.RunUntil([] { return false; }, loop_.Now());  // the workers connect
}

std::shared_ptr<Collected> SimCluster::Submit(Request request, uint64_t* ticket) {
  auto collected = std::make_shared<Collected>();
  uint64_t ignored = 0;
  const Status status =
      engine_->Submit(std::move(request), collected, ticket == nullptr ? &ignored : ticket);
  if (!status.ok()) collected->OnError(status);
  return collected;
}

bool SimCluster::RunUntilDone(Duration limit) {
  const TimePoint deadline = loop_.Now() + limit;
  while (engine_->unfinished() > 0) {
    if (loop_.Now() >= deadline) return false;
    if (!engine_->RunOnce()) {
      loop_.RunUntil([] { return false; }, loop_.Now() + Milliseconds(1));
    }
  }
  engine_->RunOnce();  // reports the load at rest
  return true;
}

}  // namespace windrose
