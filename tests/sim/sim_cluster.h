// SimCluster: a coordinator and its expert workers in one thread and virtual time, with real
// weights.
//
// Everything but sockets, threads and clocks is the product's own code. Used by the simulation, the
// determinism tests and the parity tests. Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/thread_pool.h"
#include "common/model/checkpoint.h"
#include "coordinator/engine/engine.h"
#include "coordinator/text/tokenizer.h"
#include "tests/sim/sim_network.h"
#include "tests/support/manual_event_loop.h"

namespace windrose {

// As large as one of Mixtral 8x7B in four bits: rows are shared by as many workers as hold it. And
// as small as the model that is run here: a few rows go to one worker.
inline constexpr ExpertSize kLargeExpert{.weights = 176'160'768, .weight_bytes = 99'090'432};
inline constexpr ExpertSize kSmallExpert{.weights = 3072, .weight_bytes = 6144};

struct ClusterShape {
  size_t workers = 4;
  size_t replication = 2;  // each expert lives on that many workers, in a chain
  size_t threads = 1;      // of the coordinator, and of each worker
  SchedulerLimits scheduler;
  DispatchLimits dispatch;
  wire::RowType row_type = wire::RowType::kF32;
  Bf16Order bf16_order = Bf16Order::kPairs;
  ExpertSize expert = kLargeExpert;  // what plans are told, whatever is run
  KvCacheType kv_cache_type = KvCacheType::kF32;
};

// What came back for one request.
struct Collected final : TokenSink {
  void OnStarted(std::vector<TokenEvent> echoed_prompt) override;
  void OnToken(TokenEvent event) override;
  void OnFinished(Finish finish) override;
  void OnError(const Status& status) override;
  std::vector<TokenId> tokens() const;

  bool started = false;
  int ends = 0;  // must become exactly 1
  std::vector<TokenEvent> prompt;
  std::vector<TokenEvent> events;
  std::string text;
  std::optional<Finish> finish;
  Status error;
};

// The experts of worker `index`: expert e lives on `replication` workers from e * workers / experts
// on.
std::vector<ExpertId> ChainPlacement(size_t index, size_t workers, size_t replication,
                                     size_t expert_count);

class SimCluster {
 public:
  SimCluster(const Checkpoint& checkpoint, const Tokenizer& tokenizer, const ClusterShape& shape,
             uint64_t seed = 1, const NetworkFaults& faults = {});

  // Submits at the present virtual time. `ticket` may be null.
  std::shared_ptr<Collected> Submit(Request request, uint64_t* ticket = nullptr);

  // Runs until nothing is unfinished; false when `limit` of virtual time passed first.
  bool RunUntilDone(Duration limit = Seconds(300));

  ManualEventLoop& loop() { return loop_; }
  SimNetwork& network() { return network_; }
  Engine& engine() { return *engine_; }
  Step& step() { return *step_; }
  Dispatcher& dispatcher() { return *dispatcher_; }
  KvCache& kv() { return kv_; }
  uint32_t kv_blocks_used() const { return observer_.load.kv_blocks_used; }
  uint64_t preemptions() const { return observer_.load.preemptions; }
  uint64_t load_reports() const { return observer_.load_reports; }
  uint64_t prefill_rows() const { return observer_.prefill_rows; }
  uint64_t decode_rows() const { return observer_.rows - observer_.prefill_rows; }

 private:
  // Remembers the newest load, and counts.
  struct Observer final : EngineObserver {
    void OnStep(const StepReport& report) override {
      rows += report.rows;
      prefill_rows += report.prefill_rows;
    }
    void OnLoad(const LoadReport& report) override {
      load = report;
      ++load_reports;
    }
    void OnDispatch(const DispatchStats&) override {}
    void OnToken(Duration) override {}
    void OnRequestEnd(const RequestReport&) override {}
    LoadReport load;
    uint64_t load_reports = 0;
    uint64_t rows = 0;
    uint64_t prefill_rows = 0;
  };

  ManualEventLoop loop_;
  NullLog log_;
  Observer observer_;
  ThreadPool pool_;
  CoordinatorWeights weights_;
  SimNetwork network_;
  KvCache kv_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Step> step_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace windrose
