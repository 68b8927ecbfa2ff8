// Engine: the loop that turns requests into tokens. Owns every sequence, the scheduler and the KV
// cache.
//
// One thread runs Run(); RPC threads only post to it. Each turn takes in what arrived, schedules a
// batch, runs one step, draws a token for every sequence that reached its end, and publishes.
// Nothing here waits for a client: sinks never block.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/base/log.h"
#include "coordinator/engine/active_request.h"
#include "coordinator/engine/engine_observer.h"
#include "coordinator/engine/step.h"
#include "coordinator/layers/activations.h"
#include "coordinator/layers/kv_cache.h"
#include "coordinator/sample/sampler.h"
#include "coordinator/schedule/scheduler.h"
#include "coordinator/text/tokenizer.h"
#include "coordinator/values/generator.h"

namespace windrose {

struct EngineLimits {
  SchedulerLimits scheduler;
  uint32_t max_waiting = 256;          // requests beyond those that run
  Duration expert_grace = Seconds(2);  // new requests are refused when an expert is away for longer
  Duration heartbeat = Milliseconds(100);  // the load is reported at least this often
};

// What the engine works with. All must outlive it.
struct EngineParts {
  const MixtralConfig& config;
  EventLoop& loop;
  Step& step;
  Dispatcher& dispatcher;
  KvCache& kv;
  const Tokenizer& tokenizer;
  EngineObserver& observer;
  Log& log;
};

class Engine final : public Generator {
 public:
  Engine(const EngineLimits& limits, const EngineParts& parts);
  ~Engine() override;

  // Generator: thread-safe.
  Status Admits() const override;
  Status Submit(Request request, std::shared_ptr<TokenSink> sink, uint64_t* ticket) override;
  void Cancel(uint64_t ticket) override;
  std::string NotReadyReason() const override;

  // Refuses new requests from now on. Thread-safe.
  void BeginDrain() { draining_ = true; }
  // Requests that have no end yet. Thread-safe.
  uint32_t unfinished() const { return unfinished_; }

  // Serves until Stop(). The engine's thread.
  void Run();
  // Ends Run; requests without an end get UNAVAILABLE. Thread-safe.
  void Stop();

  // One turn: takes in what arrived and runs one step if there is work. False when there was none.
  // For loops that own the time themselves (simulation); Run() is made of it.
  bool RunOnce();

 private:
  // Whether any request, or this one, is taken in beside so many `others`. Thread-safe.
  Status CheckAdmits(uint32_t others) const;
  Status CheckAccepts(const Request& request, uint32_t others) const;
  void Admit(uint64_t ticket, Request request, std::shared_ptr<TokenSink> sink);
  void TakeMessages();
  void TakeCancelled();
  bool HasWork() const;
  void KeepReporting();
  void RunStep(const Batch& batch);
  void FailBatch(const Batch& batch, const Status& status);
  void FailNotFinite();
  void TakeLogits(const Batch& batch, const Logits& logits);
  void TakeSpan(const BatchSpan& span, const Batch& batch, const Logits& logits);
  void TakeEchoed(ActiveRequest& active, uint32_t position, std::span<const float> logits);
  void DrawToken(ActiveRequest& active, std::span<const float> logits);
  void FinishStarted(ActiveRequest& active);
  void End(uint64_t ticket, const char* outcome);
  void EndWithError(uint64_t ticket, const char* outcome, const Status& status);
  uint32_t PrefillRows(const Batch& batch) const;
  void ReportStep(const Batch& batch, uint32_t prefill_rows, Duration duration);
  void ReportLoad();

  const EngineLimits limits_;
  const EngineParts parts_;
  Scheduler scheduler_;
  Activations activations_;
  SamplerWorkspace workspace_;
  std::map<uint64_t, std::unique_ptr<ActiveRequest>> active_;  // by ticket; engine thread
  std::vector<uint64_t> cancelled_;                            // engine thread
  uint64_t report_timer_ = 0;
  StageTimes own_stages_{};  // of this turn: sampling and detokenizing
  std::atomic<uint64_t> next_ticket_{1};
  std::atomic<uint32_t> unfinished_{0};
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace windrose
