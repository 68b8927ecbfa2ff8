// HealthState: what a process knows about its own health, for the three probes.
//
// Live: every heartbeat beat within its time; it never depends on peers or load. Started: loading
// is complete. Ready: started, not draining, and every condition holds. The owners set, the admin
// listener reads. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/time.h"

namespace windrose {

// The pulse of one thread. Beat() is one atomic store. Thread-safe.
class Heartbeat {
 public:
  Heartbeat(const Clock& clock, std::string name, Duration longest_silence);
  void Beat();
  bool alive() const;
  Duration silence() const;
  const std::string& name() const { return name_; }

 private:
  const Clock& clock_;
  const std::string name_;
  const Duration longest_silence_;
  std::atomic<int64_t> last_beat_;
};

struct HealthReport {
  struct Item {
    std::string name;
    bool ok = false;
    std::string reason;  // why not; may say something when ok too
  };
  bool live = false;
  bool ready = false;
  bool started = false;
  bool draining = false;
  double startup_ratio = 0.0;  // 0..1
  std::string startup_phase;
  std::vector<Item> heartbeats;
  std::vector<Item> conditions;
};

class HealthState {
 public:
  // `clock` must outlive this.
  explicit HealthState(const Clock& clock) : clock_(clock) {}

  // A thread that must beat at least every `longest_silence` from now on.
  std::shared_ptr<Heartbeat> AddHeartbeat(const std::string& name, Duration longest_silence);

  // Adds or changes a condition of readiness.
  void SetCondition(std::string_view name, bool ok, std::string_view reason = "");

  // How far loading is: `ratio` in 0..1, and what is being done. 1 alone does not end it.
  void SetStartupProgress(double ratio, std::string_view phase);
  // Loading is over. A process that loads nothing calls it at once.
  void SetStarted();

  // No way back.
  void SetDraining();

  bool live() const;
  bool ready() const;
  HealthReport Report() const;

 private:
  bool LiveLocked() const WINDROSE_REQUIRES(mutex_);
  bool ReadyLocked() const WINDROSE_REQUIRES(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<Heartbeat>> heartbeats_ WINDROSE_GUARDED_BY(mutex_);
  std::map<std::string, HealthReport::Item> conditions_ WINDROSE_GUARDED_BY(mutex_);
  double startup_ratio_ WINDROSE_GUARDED_BY(mutex_) = 0.0;
  std::string startup_phase_ WINDROSE_GUARDED_BY(mutex_) = "starting";
  bool started_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool draining_ WINDROSE_GUARDED_BY(mutex_) = false;
};

}  // namespace windrose
