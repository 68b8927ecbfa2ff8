// Process: what every server has around it, and the frame of its main.
//
// Main parses its configuration and returns what RunProcess does. Made once, in main, whose thread
// it belongs to; its members say what other threads may do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/net/admin_listener.h"
#include "common/net/signals.h"
#include "common/obs/health_state.h"
#include "common/obs/metric_registry.h"

namespace windrose {

struct Process {
  SignalWaiter signals;  // first, so that all threads inherit its mask
  SystemClock clock;
  const TimePoint began = clock.Now();
  SystemEntropy entropy;
  MetricRegistry metrics;
  HealthState health{clock};
  std::unique_ptr<Log> log;
  std::vector<uint32_t> cpus;  // it runs on these alone; empty: where the system likes
  std::unique_ptr<AdminListener> admin;

  // Opens the operators' port on "host:port". Whoever adds collectors of metrics resets `admin`
  // before what they look at is gone.
  Status OpenAdmin(const std::string& address);
};

struct ProcessStart {
  std::string name;  // in the log: "router", "coordinator", "worker"
  std::string log_level;
  std::string cpus;                   // where it is to run, as in "0-3,8"; empty: anywhere
  std::vector<std::string> warnings;  // of its configuration, for the log
};

// Runs `serve` and returns main's exit code: 0, or 1 when it failed, and then the log says why.
int RunProcess(const ProcessStart& start, const std::function<Status(Process&)>& serve);

}  // namespace windrose
