#include "common/obs/health_state.h"

#include <algorithm>
#include <utility>

namespace windrose {

Heartbeat::Heartbeat(const Clock& clock, std::string name, Duration longest_silence)
    : clock_(clock), name_(std::move(name)), longest_silence_(longest_silence) {
  Beat();
}

void Heartbeat::Beat() {
  last_beat_.store(clock_.Now().time_since_epoch().count(), std::memory_order_relaxed);
}

Duration Heartbeat::silence() const {
  return clock_.Now().time_since_epoch() - Duration(last_beat_.load(std::memory_order_relaxed));
}

bool Heartbeat::alive() const { return silence() <= longest_silence_; }

std::shared_ptr<Heartbeat> HealthState::AddHeartbeat(const std::string& name,
                                                     Duration longest_silence) {
  auto heartbeat = std::make_shared<Heartbeat>(clock_, name, longest_silence);
  MutexLock lock(mutex_);
  heartbeats_.push_back(heartbeat);
  return heartbeat;
}

void HealthState::SetCondition(std::string_view name, bool ok, std::string_view reason) {
  MutexLock lock(mutex_);
  HealthReport::Item& item = conditions_[std::string(name)];
  item.name = name;
  item.ok = ok;
  item.reason = reason;
}

void HealthState::SetStartupProgress(double ratio, std::string_view phase) {
  MutexLock lock(mutex_);
  startup_ratio_ = std::clamp(ratio, 0.0, 1.0);
  startup_phase_ = phase;
}

void HealthState::SetStarted() {
  MutexLock lock(mutex_);
  started_ = true;
  startup_ratio_ = 1.0;
  startup_phase_ = "started";
}

void HealthState::SetDraining() {
  MutexLock lock(mutex_);
  draining_ = true;
}

bool HealthState::live() const {
  MutexLock lock(mutex_);
  return LiveLocked();
}

bool HealthState::ready() const {
  MutexLock lock(mutex_);
  return ReadyLocked();
}

HealthReport HealthState::Report() const {
  MutexLock lock(mutex_);
  HealthReport report;
  report.live = LiveLocked();
  report.ready = ReadyLocked();
  report.started = started_;
  report.draining = draining_;
  report.startup_ratio = startup_ratio_;
  report.startup_phase = startup_phase_;
  for (const auto& heartbeat : heartbeats_) {
    const double silence = ToSeconds(heartbeat->silence());
    report.heartbeats.push_back(
        {heartbeat->name(), heartbeat->alive(), "silent for " + std::to_string(silence) + " s"});
  }
  for (const auto& [name, item] : conditions_) report.conditions.push_back(item);
  return report;
}

bool HealthState::LiveLocked() const {
  return std::all_of(heartbeats_.begin(), heartbeats_.end(),
                     [](const auto& heartbeat) { return heartbeat->alive(); });
}

bool HealthState::ReadyLocked() const {
  return started_ && !draining_ &&
         std::all_of(conditions_.begin(), conditions_.end(),
                     [](const auto& entry) { return entry.second.ok; });
}

}  // namespace windrose
