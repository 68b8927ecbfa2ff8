#include "common/loading/weight_loading.h"

#include <atomic>
#include <functional>
#include <utility>

namespace windrose {

using Compare = WeightStorage::Compare;
using Priority = BackgroundTask::Priority;

// Written by the task's thread, read by the registry's.
struct WeightLoading::Progress {
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> large_page_bytes{0};
  std::atomic<bool> verified{false};
};

WeightLoading::WeightLoading(const Surroundings& surroundings, const std::string& metric_prefix)
    : surroundings_(surroundings), progress_(std::make_shared<Progress>()) {
  MetricRegistry& metrics = surroundings.metrics;
  const Gauge read =
      metrics.AddGauge(metric_prefix + "weight_read_bytes", "Bytes of weights read into memory.");
  const Gauge large = metrics.AddGauge(
      metric_prefix + "weight_large_page_bytes",
      "Bytes of weights in large pages, which are faster to read; known once all are read.");
  const Gauge verified = metrics.AddGauge(metric_prefix + "weights_verified",
                                          "1 once all of them agree with the manifest's hashes.");
  metrics.AddCollector([progress = progress_, read, large, verified] {
    read.Set(static_cast<double>(progress->bytes_read.load()));
    large.Set(static_cast<double>(progress->large_page_bytes.load()));
    verified.Set(progress->verified.load() ? 1 : 0);
  });
}

void WeightLoading::Start(const std::string& when, std::shared_ptr<const WeightStorage> weights) {
  began_ = surroundings_.clock.Now();
  ready_waits_ = when == "before-ready";
  const Compare compare = when == "off" ? Compare::kNothing : Compare::kHashes;
  const auto read = [progress = progress_, compare,
                     weights = std::move(weights)](const std::atomic<bool>& stop) -> Status {
    RETURN_IF_ERROR(weights->Read(compare, stop, progress->bytes_read));
    progress->large_page_bytes.store(weights->large_page_bytes());
    progress->verified.store(compare == Compare::kHashes && weights->has_hashes());
    return OkStatus();
  };
  if (ready_waits_) {
    task_.emplace(read, Priority::kNormal, [&signals = surroundings_.signals] { signals.Wake(); });
  } else {
    task_.emplace(read, Priority::kLowest);
  }
}

StatusOr<bool> WeightLoading::AwaitReady(Duration period, const std::function<void()>& beat) {
  if (!ready_waits_) return true;
  surroundings_.health.SetStartupProgress(0.8, "reading weights");
  while (task_.has_value()) {
    beat();
    if (surroundings_.signals.WaitFor(period).value_or(0) != 0) return false;
    RETURN_IF_ERROR(Check());
  }
  return true;
}

Status WeightLoading::Check() {
  if (!task_.has_value()) return OkStatus();
  const std::optional<Status> result = task_->result();
  if (!result) return OkStatus();
  task_.reset();
  Tell(*result);
  return *result;
}

void WeightLoading::Tell(const Status& result) const {
  surroundings_.health.SetCondition("weights", result.ok(), Message(result));
  if (!result.ok()) {
    surroundings_.log.Error("weights_damaged", {{"why", Message(result)}});
    return;
  }
  surroundings_.log.Info("weights_read",
                         {{"bytes", progress_->bytes_read.load()},
                          {"verified", progress_->verified.load() ? "yes" : "no"},
                          {"in_large_pages", progress_->large_page_bytes.load()},
                          {"seconds", ToSeconds(surroundings_.clock.Now() - began_)}});
}

}  // namespace windrose
