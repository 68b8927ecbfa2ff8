// cluster.json: what tools and tests read to find the processes of a running local cluster.
//
//   {"supervisor_pid": 41, "url": "http://127.0.0.1:8080", "state": "starting"|"ready"|"draining",
//    "processes": [{"name": "worker-0", "role": "worker", "pid": 42, "ready": true, "restarts": 0,
//                   "port": 20001, "admin_port": 20002, "grpc_port": 0, "experts": [0, 3, 4, 7],
//                   "log": "…/worker-0.log"}, …]}
//
// pid is 0 while a process waits to be started again. Replaced whole at each change. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/cluster/cluster_plan.h"
#include "common/base/status.h"

namespace windrose::cli {

struct ProcessState {
  const ProcessSpec* spec = nullptr;  // not null
  int64_t pid = 0;
  bool ready = false;
  uint32_t restarts = 0;
  std::string log;
};

struct ClusterState {
  int64_t supervisor_pid = 0;
  std::string url;
  std::string state;
  std::vector<ProcessState> processes;
};

// The text of the file.
std::string ToJson(const ClusterState& state);

// Writes `text` to `path` so that a reader sees either the old or the new file.
Status ReplaceFile(const std::string& path, const std::string& text);

}  // namespace windrose::cli
