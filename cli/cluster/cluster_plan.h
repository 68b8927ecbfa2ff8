// The processes of a local cluster: programs, arguments, ports. Values and a pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace windrose::cli {

enum class Role { kWorker, kCoordinator, kRouter };

// "worker", "coordinator", "router".
std::string_view NameOf(Role role);

// What `windrose up` was asked for.
struct ClusterOptions {
  std::string model;               // a model directory
  std::string program_directory;   // where the three programs are
  std::string host = "127.0.0.1";  // the routers' listening address; all else is on loopback
  uint16_t port = 8080;            // of the first router; the next ones follow it
  uint16_t grpc_port = 0;          // of the first router; 0 takes free ones
  uint32_t routers = 1;
  uint32_t coordinators = 1;
  uint32_t workers = 4;
  uint32_t replication = 0;  // workers that hold each expert; 0: all of them
  uint32_t threads = 0;  // compute threads of each worker and coordinator; 0: as processors allow
  std::vector<uint32_t> processors = {0};  // that the cluster may use; not empty
  size_t concurrency = 1;  // how many of them at once: all, or fewer where a quota grants less time
  std::optional<bool> pin;  // each worker on its share of them; not told: where that pays
  std::vector<std::string> router_arguments;  // appended to each router's
  std::vector<std::string> coordinator_arguments;
  std::vector<std::string> worker_arguments;
};

struct ProcessSpec {
  std::string name;  // "worker-0"
  Role role = Role::kWorker;
  std::vector<std::string> arguments;  // the first is the program's path
  uint16_t port = 0;
  uint16_t admin_port = 0;
  uint16_t grpc_port = 0;         // routers only
  std::vector<ExpertId> experts;  // workers only
};

// Gives a port of the loopback address: the one wanted, or a free one for 0.
using PortSource = std::function<StatusOr<uint16_t>(uint16_t wanted)>;

// Workers first, then coordinators, then routers. `ports` fails when a port is taken.
StatusOr<std::vector<ProcessSpec>> PlanCluster(const ClusterOptions& options, uint32_t expert_count,
                                               const PortSource& ports);

// "http://127.0.0.1:8080": what a client on this machine uses for a router.
std::string UrlOf(const ClusterOptions& options, const ProcessSpec& router);

}  // namespace windrose::cli
