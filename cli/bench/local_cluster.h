// A whole cluster of this machine for as long as it is used: started, handed over, stopped.
//
// While it is used nobody supervises it: a process that dies then is not started again, so that no
// figure is taken from a cluster that limped. Main thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose::cli {

struct LocalClusterOptions {
  std::string model;     // a model directory
  uint32_t workers = 4;  // each holds every expert
  uint32_t threads = 0;  // compute threads of each worker and coordinator; 0: as `windrose up` does
  uint32_t streams = 1;  // requests at a time that must not be refused
  Duration ready_timeout = Seconds(600);
  bool show_start = false;  // draws the start-up on stderr
};

// Called with the URL of the router. While it runs, the caller's SignalSource sees what dies.
using ClusterUse = std::function<Status(const std::string& url)>;

// Takes free ports, keeps the logs only when something went wrong and then says where they are.
// Returns what `use` does; CANCELLED when a signal came before the cluster was ready,
// FAILED_PRECONDITION when a process cannot start.
Status UseLocalCluster(const LocalClusterOptions& options, const Clock& clock,
                       const ClusterUse& use);

// The number of tokens that the model in this directory knows.
StatusOr<uint32_t> VocabularyOf(const std::string& model);

}  // namespace windrose::cli
