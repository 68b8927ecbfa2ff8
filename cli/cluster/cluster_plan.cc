#include "cli/cluster/cluster_plan.h"

#include <algorithm>
#include <cstdlib>

#include "cli/cluster/expert_chain.h"
#include "common/base/thread_placement.h"

namespace windrose::cli {
namespace {

constexpr uint32_t kMaxProcessesOfRole = 64;

std::string Loopback(uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

// The addresses of all processes of a role, for a flag that takes a list.
std::string AddressesOf(const std::vector<ProcessSpec>& processes, Role role) {
  std::string addresses;
  for (const ProcessSpec& process : processes) {
    if (process.role != role) continue;
    if (!addresses.empty()) addresses += ",";
    addresses += Loopback(process.port);
  }
  return addresses;
}

std::string Join(const std::vector<ExpertId>& experts) {
  std::string text;
  for (const ExpertId expert : experts) {
    if (!text.empty()) text += ",";
    text += std::to_string(expert.value());
  }
  return text;
}

bool Names(const std::vector<std::string>& arguments, const std::string& flag) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const std::string& argument) { return argument.starts_with(flag); });
}

// Several workers compute at the same time; left alone, a system may put two on one processor for
// some milliseconds while another is idle. Under a quota others use the processors as well, and
// pinned workers could not move away from them.
bool Pins(const ClusterOptions& options) {
  if (options.pin.has_value()) return *options.pin;
  return options.workers > 1 && options.workers <= options.processors.size() &&
         options.concurrency >= options.processors.size() &&
         !Names(options.worker_arguments, "--cpus");
}

// Where the even share of worker `index` begins among `total`, and the one before it ends.
size_t ShareBegin(const ClusterOptions& options, size_t total, size_t index) {
  return index * total / options.workers;
}

// An even share of the processors for worker `index`, side by side as sockets number them; one that
// others use too when there are more workers.
std::vector<uint32_t> ProcessorsOf(const ClusterOptions& options, uint32_t index) {
  const std::vector<uint32_t>& all = options.processors;
  if (options.workers >= all.size()) return {all[index % all.size()]};
  const auto edge = [&](size_t worker) {
    return all.begin() + static_cast<ptrdiff_t>(ShareBegin(options, all.size(), worker));
  };
  return {edge(index), edge(index + 1)};
}

// An even share of what may run at once for worker `index`, at least one.
size_t ThreadsOf(const ClusterOptions& options, size_t index) {
  const size_t share = ShareBegin(options, options.concurrency, index + 1) -
                       ShareBegin(options, options.concurrency, index);
  return std::max(share, size_t{1});
}

Status CheckCount(const char* what, uint32_t count) {
  if (count >= 1 && count <= kMaxProcessesOfRole) return OkStatus();
  return InvalidArgument("--" + std::string(what) + " must be 1 to " +
                         std::to_string(kMaxProcessesOfRole) + ", got " + std::to_string(count));
}

// `first`, unless it is 0, and the ports behind it are enough for all routers.
Status CheckPorts(const char* flag, uint16_t first, uint32_t routers) {
  if (first == 0 || first + routers - 1 <= UINT16_MAX) return OkStatus();
  return InvalidArgument("--" + std::string(flag) + ": wanted room for " + std::to_string(routers) +
                         " routers below 65536, got " + std::to_string(first));
}

// The HTTP and gRPC ports of all routers are different ones.
Status CheckRouterPorts(const ClusterOptions& options) {
  RETURN_IF_ERROR(CheckPorts("port", options.port, options.routers));
  RETURN_IF_ERROR(CheckPorts("grpc-port", options.grpc_port, options.routers));
  if (options.port == 0 || options.grpc_port == 0) return OkStatus();
  const int apart = std::abs(int{options.port} - int{options.grpc_port});
  if (static_cast<uint32_t>(apart) >= options.routers) return OkStatus();
  return InvalidArgument(
      "--port and --grpc-port: wanted at least as far apart as there are routers, " +
      std::to_string(options.routers) + ", got " + std::to_string(options.port) + " and " +
      std::to_string(options.grpc_port));
}

// Builds the list role by role, since each role's arguments name the ports of the one before.
class Planner {
 public:
  Planner(const ClusterOptions& options, const PortSource& ports)
      : options_(options), ports_(ports) {}

  Status AddWorkers(uint32_t expert_count) {
    const uint32_t copies = options_.replication > 0 ? options_.replication : options_.workers;
    ASSIGN_OR_RETURN(const auto experts_of, ChainExperts(expert_count, options_.workers, copies));
    for (uint32_t index = 0; index < options_.workers; ++index) {
      ASSIGN_OR_RETURN(ProcessSpec worker, Start(Role::kWorker, index, 0));
      worker.experts = experts_of[index];
      Add(worker, "model", options_.model);
      Add(worker, "experts", Join(worker.experts));
      if (Pins(options_)) Add(worker, "cpus", JoinCpus(ProcessorsOf(options_, index)));
      AddThreads(worker, ThreadsOf(options_, index));
      Finish(std::move(worker), "127.0.0.1", options_.worker_arguments);
    }
    return OkStatus();
  }

  Status AddCoordinators() {
    const std::string workers = AddressesOf(processes_, Role::kWorker);
    for (uint32_t index = 0; index < options_.coordinators; ++index) {
      ASSIGN_OR_RETURN(ProcessSpec coordinator, Start(Role::kCoordinator, index, 0));
      Add(coordinator, "model", options_.model);
      Add(coordinator, "workers", workers);
      AddThreads(coordinator, options_.concurrency);
      AddBf16Order(coordinator);
      Finish(std::move(coordinator), "127.0.0.1", options_.coordinator_arguments);
    }
    return OkStatus();
  }

  Status AddRouters() {
    const std::string coordinators = AddressesOf(processes_, Role::kCoordinator);
    for (uint32_t index = 0; index < options_.routers; ++index) {
      ASSIGN_OR_RETURN(ProcessSpec router,
                       Start(Role::kRouter, index, Following(options_.port, index)));
      ASSIGN_OR_RETURN(router.grpc_port, ports_(Following(options_.grpc_port, index)));
      Add(router, "grpc-listen", options_.host + ":" + std::to_string(router.grpc_port));
      Add(router, "coordinators", coordinators);
      Finish(std::move(router), options_.host, options_.router_arguments);
    }
    return OkStatus();
  }

  std::vector<ProcessSpec> Take() { return std::move(processes_); }

 private:
  static uint16_t Following(uint16_t first, uint32_t index) {
    return first == 0 ? uint16_t{0} : static_cast<uint16_t>(first + index);
  }

  static void Add(ProcessSpec& process, const std::string& flag, const std::string& value) {
    process.arguments.push_back("--" + flag + "=" + value);
  }

  void AddThreads(ProcessSpec& process, size_t share) const {
    Add(process, "threads", std::to_string(options_.threads > 0 ? options_.threads : share));
  }

  // What suits the machine, which they all share; unless the user says something else.
  void AddBf16Order(ProcessSpec& coordinator) const {
    if (Names(options_.coordinator_arguments, "--bf16-order")) return;
    Add(coordinator, "bf16-order", "auto");
  }

  StatusOr<ProcessSpec> Start(Role role, uint32_t index, uint16_t wanted_port) {
    ProcessSpec process;
    process.role = role;
    process.name = std::string(NameOf(role)) + "-" + std::to_string(index);
    const char* program = role == Role::kWorker        ? "windrose-expert-worker"
                          : role == Role::kCoordinator ? "windrose-coordinator"
                                                       : "windrose-router";
    process.arguments = {options_.program_directory + "/" + program};
    ASSIGN_OR_RETURN(process.port, ports_(wanted_port));
    ASSIGN_OR_RETURN(process.admin_port, ports_(0));
    return process;
  }

  void Finish(ProcessSpec process, const std::string& host,
              const std::vector<std::string>& more_arguments) {
    Add(process, "listen", host + ":" + std::to_string(process.port));
    Add(process, "admin-listen", Loopback(process.admin_port));
    process.arguments.insert(process.arguments.end(), more_arguments.begin(), more_arguments.end());
    processes_.push_back(std::move(process));
  }

  const ClusterOptions& options_;
  const PortSource& ports_;
  std::vector<ProcessSpec> processes_;
};

}  // namespace

std::string_view NameOf(Role role) {
  switch (role) {
    case Role::kWorker:
      return "worker";
    case Role::kCoordinator:
      return "coordinator";
    case Role::kRouter:
      break;
  }
  return "router";
}

StatusOr<std::vector<ProcessSpec>> PlanCluster(const ClusterOptions& options, uint32_t expert_count,
                                               const PortSource& ports) {
  RETURN_IF_ERROR(CheckCount("routers", options.routers));
  RETURN_IF_ERROR(CheckCount("coordinators", options.coordinators));
  RETURN_IF_ERROR(CheckCount("workers", options.workers));
  RETURN_IF_ERROR(CheckRouterPorts(options));
  Planner planner(options, ports);
  RETURN_IF_ERROR(planner.AddWorkers(expert_count));
  RETURN_IF_ERROR(planner.AddCoordinators());
  RETURN_IF_ERROR(planner.AddRouters());
  return planner.Take();
}

std::string UrlOf(const ClusterOptions& options, const ProcessSpec& router) {
  const bool everywhere = options.host == "0.0.0.0" || options.host == "[::]";
  return "http://" + (everywhere ? "127.0.0.1" : options.host) + ":" + std::to_string(router.port);
}

}  // namespace windrose::cli
