// Supervisor: keeps the processes of a local cluster running until somebody stops it.
//
//   starting ──all ready──► running ──signal──► draining routers → coordinators → workers ──►
//   stopped
//      └─ a process exits by itself ► failed
//
// Owns the children. Everything happens on the main thread, in Run: signals, readiness probes and
// timers are waited for in one poll. A process that dies is started again with the same arguments
// and ports. Thread-compatible.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/cluster_file.h"
#include "cli/cluster/cluster_plan.h"
#include "cli/cluster/restart_pause.h"
#include "cli/supervise/announcer.h"
#include "cli/supervise/readiness_probe.h"
#include "cli/supervise/signal_source.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose::cli {

struct SupervisorOptions {
  std::string url;                        // for cluster.json
  std::string log_directory;              // exists
  std::string status_file;                // usually cluster.json in the log directory
  Duration ready_timeout = Seconds(600);  // for the whole cluster, from the start
  Duration drain_timeout = Seconds(30);   // for each of the three roles
  Duration healthy_life = RestartPause::kHealthyLife;
  Duration probe_period = Milliseconds(25);
};

class Supervisor {
 public:
  // Called once, when all processes are ready for the first time.
  using ReadyCallback = std::function<void(Duration took)>;

  Supervisor(std::vector<ProcessSpec> processes, SupervisorOptions options, SignalSource signals,
             const Clock& clock, Announcer& announcer);
  ~Supervisor();  // kills what is left
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Returns after a stop (OK) or when the cluster cannot start.
  Status Run(const ReadyCallback& on_ready);

  // As the first signal to stop does, and says nothing; for the ReadyCallback.
  void Stop();

 private:
  enum class Phase { kStarting, kRunning, kDraining, kStopped };

  // One process through all its lives.
  struct Member {
    Member(ProcessSpec process, Duration healthy_life)
        : spec(std::move(process)), pause(healthy_life), probe(spec.admin_port) {}
    ProcessSpec spec;
    std::string log;
    pid_t pid = 0;  // 0 while not running
    bool ready = false;
    bool was_ready = false;
    uint32_t restarts = 0;
    TimePoint started;
    TimePoint next_probe;
    std::optional<TimePoint> restart_at;
    RestartPause pause;
    ReadinessProbe probe;
  };

  Status Start(Member& member);
  void RestartDue(TimePoint now);
  void ProbeDue(TimePoint now);
  void OnProbe(Member& member, ProbeResult result, TimePoint now);
  Status Reap();
  Status OnDeath(Member& member, int wait_status);
  void ScheduleRestart(Member& member, const std::string& how);
  void OnAllReady();
  void OnStopSignal();
  void DrainRole(Role role);
  void ContinueDrain(TimePoint now);
  void KillAll();
  Status Step();
  void Wait();
  TimePoint NextWake() const;
  void WriteStatusFile();
  void ShowProgress();
  bool AllReady() const;
  bool Running(Role role) const;

  SupervisorOptions options_;
  SignalSource signals_;
  const Clock& clock_;
  Announcer& announcer_;
  ReadyCallback on_ready_;
  std::vector<std::unique_ptr<Member>> members_;
  Phase phase_ = Phase::kStarting;
  TimePoint begin_;
  Role draining_ = Role::kRouter;
  TimePoint drain_deadline_;
};

}  // namespace windrose::cli
