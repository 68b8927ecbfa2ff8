// EngineProcess: the engine with everything it needs and all experts, in one process without any
// network, and requests to measure it with. Its thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/engine/local_experts.h"
#include "bench/engine/step_work.h"
#include "common/base/log.h"
#include "common/base/thread_event_loop.h"
#include "common/base/thread_pool.h"
#include "common/model/checkpoint.h"
#include "coordinator/engine/engine.h"

namespace windrose::bench {

// Requests of the same shape, all at once.
struct Load {
  uint32_t requests = 1;
  uint32_t prompt_tokens = 16;
  uint32_t new_tokens = 1;
};

struct Usage {
  double seconds = 0;
  StepWork work;
};

class EngineProcess {
 public:
  // With `experts_per_token` other than the model's own, 0 keeping that, every row goes to that
  // many experts. Reads all weights into memory. `tokenizer` must outlive this.
  EngineProcess(const Checkpoint& checkpoint, const Tokenizer& tokenizer, uint32_t threads,
                uint32_t experts_per_token);

  Usage Run(const Load& load);

  ThreadPool& pool() { return pool_; }
  // The experts' matrices of all layers, as they lie in memory.
  std::vector<std::span<const std::byte>> expert_bytes() const;
  const ModelCost& cost() const { return cost_; }

 private:
  MixtralConfig config_;
  SystemClock clock_;
  NullLog log_;
  StepWorkCounter counter_;
  ThreadPool pool_;
  ThreadEventLoop loop_;
  CoordinatorWeights weights_;
  ExpertWeights expert_weights_;
  ModelCost cost_;
  LocalExperts experts_;
  KvCache kv_;
  Dispatcher dispatcher_;
  Step step_;
  Engine engine_;
};

}  // namespace windrose::bench
