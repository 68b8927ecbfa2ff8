// Dispatcher: gets every row of a layer answered by expert workers, whatever happens to them.
//
// Owned by the engine; engine thread only. Plan() decides who computes what; Exchange() sends it,
// waits on the event loop, and gives the pairs of a worker that dies, resets, refuses, answers
// wrongly or lets its deadline pass to another holder, inside the same step. Rows are retained
// until the last pair is answered, so a layer can be repeated any number of times. When nobody
// holds an expert, it waits for one to return, up to a limit.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/event_loop.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/wire/frame.h"
#include "coordinator/experts/deadline_estimator.h"
#include "coordinator/experts/dispatch_plan.h"
#include "coordinator/experts/dispatch_stats.h"
#include "coordinator/experts/expert_transport.h"
#include "coordinator/experts/layer_exchange.h"
#include "coordinator/experts/worker_table.h"
#include "coordinator/values/batch.h"

namespace windrose {

// The model and the wire, as far as a plan and a frame need them.
struct DispatchShape {
  uint32_t expert_count = 0;
  uint32_t hidden = 0;
  uint64_t model_hash = 0;  // first half of the model's hash
  wire::RowType row_type = wire::RowType::kF32;
  Bf16Order bf16_order = Bf16Order::kPairs;
  ExpertSize expert;
};

struct DispatchLimits {
  DeadlineLimits deadlines;
  Duration expert_wait = Seconds(10);         // for an expert that nobody holds
  Duration exchange_limit = Seconds(120);     // for one layer, however often it is repeated
  Duration retry_pause = Milliseconds(5);     // before a refused call is tried again;
  Duration longest_pause = Milliseconds(40);  // each is twice the one before, up to this
  uint32_t resets_after = 3;                  // deadlines passed in a row before the link is broken
};

class Dispatcher final : public ExpertTransportListener {
 public:
  Dispatcher(const DispatchShape& shape, const DispatchLimits& limits, EventLoop& loop,
             ExpertTransport& transport, Log& log);
  ~Dispatcher() override;
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // What workers are asked to compute in, so that the engine does, too.
  Bf16Order bf16_order() const { return shape_.bf16_order; }

  // Who computes what, by the newest placement.
  DispatchPlan Plan(const GateOutput& gate);

  // Fills `outputs` with one row per pair of the plan. `rows` is [rows, hidden] f32. UNAVAILABLE
  // when an expert had no worker for expert_wait, or after Stop; INTERNAL when none of an expert's
  // workers can compute its rows; DEADLINE_EXCEEDED after exchange_limit.
  Status Exchange(LayerIndex layer, const DispatchPlan& plan, std::span<const float> rows,
                  ExpertOutputs& outputs);

  // Ends the exchange under way, and every later one. Thread-safe.
  void Stop();

  // True while every expert has a worker, or lost its last one less than `grace` ago. Thread-safe.
  bool Serving(Duration grace) const;

  // The one of those without a worker that has been so for longest. Thread-safe.
  std::optional<ExpertId> MissingExpert() const;

  // The counters since the start.
  DispatchStats Stats() const;

  // Time spent waiting in Exchange since the start.
  Duration waited() const { return waited_; }

  // ExpertTransportListener.
  void OnWorkerUp(WorkerId worker, const WorkerDescription& description) override;
  void OnWorkerDown(WorkerId worker, const Status& why) override;
  void OnWorkerGone(WorkerId worker) override;
  void OnWorkerDraining(WorkerId worker) override;
  void OnReply(WorkerId worker, const wire::ReplyFrame& reply) override;
  void OnBadReply(WorkerId worker, const Status& why) override;

 private:
  DispatchPlan PlanOf(const std::vector<PlanSegment>& segments, const Placement& placement);
  OutgoingCall MakeCall(const WorkerShare& share);
  void SendPlan(DispatchPlan plan);
  // Sends segments again, by `placement`; those without a holder are parked.
  void Redispatch(const std::vector<PlanSegment>& segments, const Placement& placement);
  void Park(std::vector<PlanSegment> segments);
  void HandleRefusal(const ExpertCall& call, const std::vector<RefusedSegment>& refused);
  bool HasTrusted(const PlanSegment& segment, const Placement& placement);
  void LogRefusal(WorkerId worker, const RefusedSegment& part);
  void Fail(WorkerId worker);
  void PublishMissing();
  void HandleOverdue();
  void HandleOverdueCall(uint32_t attempt);
  void SuspectWorker(WorkerId worker);
  Status WaitForAnswers();
  Status CheckGoesOn() const;
  Status CheckParked() const;
  TimePoint NextWakeUp() const;

  const DispatchShape shape_;
  const ShareCosts costs_;
  const DispatchLimits limits_;
  EventLoop& loop_;
  ExpertTransport& transport_;
  Log& log_;
  WorkerTable workers_;
  DeadlineEstimator estimator_;
  DispatchStats stats_;
  Duration waited_{};
  std::atomic<bool> stopping_{false};
  std::atomic<TimePoint> missing_since_;  // of the expert away longest; max() when none is
  std::atomic<uint32_t> missing_expert_;  // that expert; expert_count when none is
  uint64_t next_dispatch_id_ = 1;

  // The exchange under way: between its begin and its end inside Exchange(), else null.
  LayerExchange* active_ = nullptr;
  TimePoint exchange_deadline_;
  std::vector<PlanSegment> parked_;
  TimePoint retry_at_;
  Duration retry_pause_{};
};

}  // namespace windrose
