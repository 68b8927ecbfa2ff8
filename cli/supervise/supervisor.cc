#include "cli/supervise/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/supervise/child_process.h"

namespace windrose::cli {
namespace {

std::string Seconds3(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  const std::string fraction = std::to_string(1000 + milliseconds % 1000).substr(1);
  return std::to_string(milliseconds / 1000) + "." + fraction + " s";
}

// The state's name in cluster.json.
const char* const kStarting = "starting";
const char* const kReady = "ready";
const char* const kDraining = "draining";

}  // namespace

Supervisor::Supervisor(std::vector<ProcessSpec> processes, SupervisorOptions options,
                       SignalSource signals, const Clock& clock, Announcer& announcer)
    : options_(std::move(options)),
      signals_(std::move(signals)),
      clock_(clock),
      announcer_(announcer) {
  for (ProcessSpec& process : processes) {
    members_.push_back(std::make_unique<Member>(std::move(process), options_.healthy_life));
    members_.back()->log = options_.log_directory + "/" + members_.back()->spec.name + ".log";
  }
}

Supervisor::~Supervisor() {
  KillAll();
  for (const auto& member : members_) {
    if (member->pid > 0) ::waitpid(member->pid, nullptr, 0);
  }
}

Status Supervisor::Run(const ReadyCallback& on_ready) {
  on_ready_ = on_ready;
  begin_ = clock_.Now();
  for (const auto& member : members_) RETURN_IF_ERROR(Start(*member));
  WriteStatusFile();
  ShowProgress();
  while (phase_ != Phase::kStopped) RETURN_IF_ERROR(Step());
  return OkStatus();
}

Status Supervisor::Step() {
  Wait();
  const SignalsSeen seen = signals_.Read();
  // When a terminal ends, the shell sends a hang-up and the system another: no second wish.
  if (seen.stop || (seen.hangup && phase_ != Phase::kDraining)) OnStopSignal();
  if (seen.child) RETURN_IF_ERROR(Reap());
  const TimePoint now = clock_.Now();
  RestartDue(now);
  ProbeDue(now);
  if (phase_ == Phase::kDraining) ContinueDrain(now);
  if (phase_ == Phase::kStarting && now - begin_ > options_.ready_timeout) {
    return DeadlineExceeded("the cluster was not ready within " + Seconds3(options_.ready_timeout) +
                            "; logs are in " + options_.log_directory);
  }
  return OkStatus();
}

// --- lives and deaths --------------------------------------------------------------------------

Status Supervisor::Start(Member& member) {
  member.restart_at.reset();
  member.ready = false;
  member.started = clock_.Now();
  member.next_probe = member.started + options_.probe_period;
  ASSIGN_OR_RETURN(member.pid, StartChild(member.spec.arguments, member.log));
  return OkStatus();
}

void Supervisor::RestartDue(TimePoint now) {
  for (const auto& member : members_) {
    if (!member->restart_at || *member->restart_at > now) continue;
    // A machine that is short of something for a moment is no reason to end all the others.
    if (const Status started = Start(*member); !started.ok()) {
      ScheduleRestart(*member, "could not start: " + Message(started));
      continue;
    }
    ++member->restarts;
    WriteStatusFile();
  }
}

Status Supervisor::Reap() {
  int wait_status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    const auto dead = std::find_if(members_.begin(), members_.end(),
                                   [pid](const auto& member) { return member->pid == pid; });
    if (dead != members_.end()) RETURN_IF_ERROR(OnDeath(**dead, wait_status));
  }
  return OkStatus();
}

Status Supervisor::OnDeath(Member& member, int wait_status) {
  const std::string how = DescribeExit(wait_status);
  member.pid = 0;
  member.ready = false;
  member.probe = ReadinessProbe(member.spec.admin_port);
  if (phase_ == Phase::kDraining) {
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
      announcer_.Note(member.spec.name + " " + how + " before it had drained");
    }
    WriteStatusFile();
    return OkStatus();
  }
  // Whoever gives up before it was ever ready would give up again.
  if (!member.was_ready && WIFEXITED(wait_status)) {
    announcer_.ShowLogTail(member.log);
    return FailedPrecondition(member.spec.name + " " + how + " before it was ready");
  }
  ScheduleRestart(member, how);
  WriteStatusFile();
  return OkStatus();
}

void Supervisor::ScheduleRestart(Member& member, const std::string& how) {
  const TimePoint now = clock_.Now();
  const Duration pause = member.pause.After(now - member.started);
  member.restart_at = now + pause;
  announcer_.Note(member.spec.name + " " + how + "; it starts again " +
                  (pause > Duration::zero() ? "in " + Seconds3(pause) : "now"));
}

// --- readiness -----------------------------------------------------------------------------------

void Supervisor::ProbeDue(TimePoint now) {
  if (phase_ == Phase::kDraining) return;
  for (const auto& member : members_) {
    if (member->pid == 0 || member->ready) continue;
    if (member->probe.pending()) {
      OnProbe(*member, member->probe.Advance(now), now);
    } else if (now >= member->next_probe) {
      member->probe.Begin(now);
      if (!member->probe.pending()) OnProbe(*member, ProbeResult::kNotReady, now);
    }
  }
}

void Supervisor::OnProbe(Member& member, ProbeResult result, TimePoint now) {
  if (result == ProbeResult::kPending) return;
  member.next_probe = now + options_.probe_period;
  if (result == ProbeResult::kNotReady) return;
  member.ready = true;
  member.was_ready = true;
  WriteStatusFile();
  if (phase_ == Phase::kRunning) {
    announcer_.Note(member.spec.name + " is ready again after " + Seconds3(now - member.started));
    return;
  }
  ShowProgress();
  if (AllReady()) OnAllReady();
}

void Supervisor::OnAllReady() {
  phase_ = Phase::kRunning;
  WriteStatusFile();
  on_ready_(clock_.Now() - begin_);
}

bool Supervisor::AllReady() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& member) { return member->ready; });
}

void Supervisor::ShowProgress() {
  size_t ready_count = 0;
  std::string waiting_for;
  for (const auto& member : members_) {
    if (member->ready) {
      ++ready_count;
    } else {
      if (!waiting_for.empty()) waiting_for += ", ";
      waiting_for += member->spec.name;
    }
  }
  announcer_.Starting(ready_count, members_.size(), waiting_for);
}

// --- the end -------------------------------------------------------------------------------------

void Supervisor::OnStopSignal() {
  if (phase_ == Phase::kDraining) {
    announcer_.Note("second signal: killing what is left");
    KillAll();
    return;
  }
  announcer_.Note("draining: routers, then coordinators, then workers; a second signal kills");
  Stop();
}

void Supervisor::Stop() {
  phase_ = Phase::kDraining;
  for (const auto& member : members_) {
    member->restart_at.reset();
    member->probe = ReadinessProbe(member->spec.admin_port);  // nobody looks at it any more
  }
  DrainRole(Role::kRouter);
  WriteStatusFile();
}

void Supervisor::DrainRole(Role role) {
  draining_ = role;
  drain_deadline_ = clock_.Now() + options_.drain_timeout;
  for (const auto& member : members_) {
    if (member->spec.role == role && member->pid > 0) ::kill(member->pid, SIGTERM);
  }
}

void Supervisor::ContinueDrain(TimePoint now) {
  if (Running(draining_)) {
    if (now < drain_deadline_) return;
    for (const auto& member : members_) {
      if (member->spec.role != draining_ || member->pid == 0) continue;
      announcer_.Note(member->spec.name + " did not drain in time and is killed");
      ::kill(member->pid, SIGKILL);
    }
    drain_deadline_ = TimePoint::max();  // SIGKILL cannot fail: wait for the exits
    return;
  }
  if (draining_ == Role::kWorker) {
    phase_ = Phase::kStopped;
    return;
  }
  DrainRole(draining_ == Role::kRouter ? Role::kCoordinator : Role::kWorker);
}

void Supervisor::KillAll() {
  for (const auto& member : members_) {
    if (member->pid > 0) ::kill(member->pid, SIGKILL);
  }
}

bool Supervisor::Running(Role role) const {
  return std::any_of(members_.begin(), members_.end(), [role](const auto& member) {
    return member->spec.role == role && member->pid > 0;
  });
}

// --- waiting -------------------------------------------------------------------------------------

TimePoint Supervisor::NextWake() const {
  TimePoint wake = clock_.Now() + Seconds(60);
  if (phase_ == Phase::kDraining) {
    // A role with no process left is passed over at once.
    return Running(draining_) ? std::min(wake, drain_deadline_) : clock_.Now();
  }
  if (phase_ == Phase::kStarting) wake = std::min(wake, begin_ + options_.ready_timeout);
  for (const auto& member : members_) {
    if (member->restart_at) wake = std::min(wake, *member->restart_at);
    if (member->pid == 0 || member->ready) continue;
    wake = std::min(wake, member->probe.pending() ? member->probe.deadline() : member->next_probe);
  }
  return wake;
}

void Supervisor::Wait() {
  std::vector<pollfd> descriptors = {{signals_.descriptor(), POLLIN, 0}};
  for (const auto& member : members_) {
    if (member->probe.pending()) {
      descriptors.push_back({member->probe.descriptor(), member->probe.events(), 0});
    }
  }
  const Duration patience = std::max(Duration::zero(), NextWake() - clock_.Now());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const timespec timeout{seconds.count(), (patience - seconds).count()};
  ::ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr);
}

void Supervisor::WriteStatusFile() {
  ClusterState state;
  state.supervisor_pid = ::getpid();
  state.url = options_.url;
  state.state = phase_ == Phase::kStarting  ? kStarting
                : phase_ == Phase::kRunning ? kReady
                                            : kDraining;
  for (const auto& member : members_) {
    state.processes.push_back(
        {&member->spec, member->pid, member->ready, member->restarts, member->log});
  }
  const Status written = ReplaceFile(options_.status_file, ToJson(state));
  if (!written.ok()) announcer_.Note(Message(written));
}

}  // namespace windrose::cli
