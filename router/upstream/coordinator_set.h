// CoordinatorSet: the coordinators that there are, which of them are well, and the choice of one.
//
// Each coordinator is probed again and again: every `probe_period` while it is up, with growing
// jittered pauses while it is down. A broken call takes a coordinator out of the choice until a
// probe has succeeded; so a process that is restarted at the same address comes back by itself.
// Addresses that vanish are not chosen any more; their running calls go on. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/net/backoff.h"
#include "router/upstream/coordinator_client.h"
#include "router/upstream/upstream_probe.h"

namespace windrose::router {

struct CoordinatorSetOptions {
  Duration probe_period = Seconds(1);
  Duration probe_timeout = Seconds(2);
  uint32_t missed_probes = 2;   // time-outs in a row that take an up coordinator out
  BackoffPolicy probe_backoff;  // while it is down
};

// One coordinator as the set knows it.
struct Coordinator {
  std::string address;
  std::unique_ptr<CoordinatorClient> client;
  CoordinatorMetrics metrics;
  bool listed = true;  // still among the addresses
  bool up = false;
  bool probing = false;
  uint32_t outstanding = 0;
  uint32_t failures = 0;  // probes in a row
  uint64_t call_failures =
      0;                     // broken calls so far: a probe that began before the last says nothing
  uint64_t probe_timer = 0;  // 0: none
  TimePoint served_at;       // when a probe last said that it serves
  std::vector<ModelInfo> models;  // of the last report
  std::string why_down;           // as it was last told
};

// A place on a coordinator: counts as outstanding while it lives. Movable.
class CoordinatorLease {
 public:
  CoordinatorLease() = default;
  explicit CoordinatorLease(std::shared_ptr<Coordinator> coordinator);
  ~CoordinatorLease();
  CoordinatorLease(CoordinatorLease&& other) noexcept = default;
  CoordinatorLease& operator=(CoordinatorLease&& other) noexcept;

  explicit operator bool() const { return coordinator_ != nullptr; }
  Coordinator& operator*() const { return *coordinator_; }
  Coordinator* operator->() const { return coordinator_.get(); }

 private:
  std::shared_ptr<Coordinator> coordinator_;
};

class CoordinatorSet {
 public:
  // What the set is made of; all must outlive it.
  struct Parts {
    EventLoop& loop;
    Entropy& entropy;
    Log& log;
    CoordinatorClientFactory make_client;
    UpstreamProbe probe;
  };

  CoordinatorSet(Parts parts, CoordinatorSetOptions options);
  ~CoordinatorSet();

  // The whole list, each time it changes.
  void SetAddresses(const std::vector<std::string>& addresses);

  // The best coordinator that is up, serves `model` (empty: any) and is not in `avoid`; an empty
  // lease when there is none.
  CoordinatorLease Pick(const std::string& model, const std::set<std::string>& avoid);

  // A call on `coordinator` broke: it is out until a probe that starts after now succeeds.
  void ReportBroken(Coordinator& coordinator);

  // A call was refused by `coordinator`, which is well.
  void ReportRefused(Coordinator& coordinator) { coordinator.metrics.errors.Inc(); }

  size_t up_count() const;
  // Whether a coordinator that is up and serves `model` is not among `tried`; HasReadyOther: one
  // with every expert.
  bool HasOther(const std::string& model, const std::set<std::string>& tried) const;
  bool HasReadyOther(const std::string& model, const std::set<std::string>& tried) const;

  // Runs `task` once, when the next coordinator comes up. The id is for CancelAwait.
  uint64_t AwaitUp(Task task);
  void CancelAwait(uint64_t await_id);

  // Runs after every change of what is up or ready.
  void OnChange(Task task) { on_change_ = std::move(task); }

  // The models of all coordinators that are listed, by id. A model of a coordinator that went down
  // is kept with ready = false, so that its name stays known.
  std::vector<ModelInfo> Models() const;

 private:
  void Add(const std::string& address);
  void ScheduleProbe(const std::shared_ptr<Coordinator>& coordinator, Duration delay);
  void StartProbe(const std::shared_ptr<Coordinator>& coordinator);
  void OnProbed(const std::shared_ptr<Coordinator>& coordinator, uint64_t call_failures,
                const StatusOr<CoordinatorReport>& report);
  void OnProbeFailed(Coordinator& coordinator, const Status& status);
  void SetUp(Coordinator& coordinator, bool up, const std::string& reason);
  // Says why it is not up, once for each reason: most have never been, and wait for their start.
  void NoteStillDown(Coordinator& coordinator, const std::string& reason);
  Duration ProbePause(const Coordinator& coordinator);
  bool Serves(const Coordinator& coordinator, const std::string& model) const;

  Parts parts_;
  const CoordinatorSetOptions options_;
  std::map<std::string, std::shared_ptr<Coordinator>> coordinators_;  // by address
  std::map<uint64_t, Task> waiters_;
  uint64_t next_await_id_ = 1;
  uint64_t turn_ = 0;
  Task on_change_;
  // Callbacks that arrive later hold a weak pointer to it.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace windrose::router
