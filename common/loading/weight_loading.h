// WeightLoading: reads the weights of a process into memory, compares converted ones with their
// hashes, and lets its health, its log and its metrics say how that goes.
//
// Mapped weights can be computed with at once, since pages that are missing come when they are
// touched. So a process may serve while its weights are read: on a thread of its own, at the lowest
// priority, and in the order in which the first requests want them. Owned by main; its thread only.
// Destruction ends a reading under way.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/background_task.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/model/weight_storage.h"
#include "common/net/signals.h"
#include "common/obs/health_state.h"
#include "common/obs/metric_registry.h"

namespace windrose {

class WeightLoading {
 public:
  // What a process has, all of which outlives this.
  struct Surroundings {
    const Clock& clock;
    SignalWaiter& signals;
    HealthState& health;
    Log& log;
    MetricRegistry& metrics;
  };

  // The gauges are `metric_prefix` with weight_read_bytes, weight_large_page_bytes and
  // weights_verified behind it.
  WeightLoading(const Surroundings& surroundings, const std::string& metric_prefix);

  // Begins. `when` the weights are compared with their hashes: "background", while the process
  // serves; "before-ready", while AwaitReady waits; or "off", which reads them in the background
  // all the same. Once.
  void Start(const std::string& when, std::shared_ptr<const WeightStorage> weights);

  // Returns at once unless it is "before-ready", and then at the end, as Check; until then it calls
  // `beat` once in each `period`. False: a signal came first, and the process is to end.
  StatusOr<bool> AwaitReady(
      Duration period = Seconds(1), const std::function<void()>& beat = [] {});

  // Tells what came out as soon as it has, and returns it, once; OK before and afterwards. Not OK
  // means that whatever was computed with the weights is worth nothing, so nothing more is.
  Status Check();

 private:
  struct Progress;

  void Tell(const Status& result) const;

  const Surroundings surroundings_;
  const std::shared_ptr<Progress> progress_;  // the registry's, too, which may outlive this
  TimePoint began_{};
  bool ready_waits_ = false;
  std::optional<BackgroundTask> task_;  // none before Start and after the end
};

}  // namespace windrose
