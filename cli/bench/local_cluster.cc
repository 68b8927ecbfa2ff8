#include "cli/bench/local_cluster.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/cluster/cluster_plan.h"
#include "cli/supervise/announcer.h"
#include "cli/supervise/port_reservation.h"
#include "cli/supervise/signal_source.h"
#include "cli/supervise/supervisor.h"
#include "common/base/random.h"
#include "common/base/thread_placement.h"
#include "common/model/config.h"
#include "common/model/mapped_file.h"

namespace windrose::cli {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;
constexpr Duration kDrainTimeout = Seconds(5);  // nothing is asked any more when it begins

StatusOr<MixtralConfig> ReadConfig(const std::string& model) {
  ASSIGN_OR_RETURN(const std::string json, ReadModelText(model, "config.json", kMaxConfigBytes));
  return ParseMixtralConfig(json);
}

StatusOr<std::string> MakeLogDirectory() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  std::string name = (error ? "." : parent.string()) + "/windrose-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return Unavailable("cannot create " + name + ": " + std::system_category().message(errno));
  }
  return name;
}

// Limits that protect a cluster from strangers are wide enough for all streams, which come from one
// address; those of one level may come while those of the level before still go.
void AdmitStreams(uint32_t streams, ClusterOptions& cluster) {
  constexpr uint32_t kLeast = 256;
  const std::string requests = std::to_string(std::max(kLeast, streams));
  const std::string connections = std::to_string(2 * std::max(kLeast, streams));
  cluster.router_arguments = {"--max-connections=" + connections,
                              "--max-connections-per-address=" + connections,
                              "--max-in-flight=" + requests};
  cluster.coordinator_arguments = {"--max-waiting=" + requests};
}

StatusOr<ClusterOptions> OptionsOf(const LocalClusterOptions& options) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Unavailable("cannot find this program: " + error.message());
  ClusterOptions cluster;
  cluster.model = options.model;
  cluster.program_directory = program.parent_path().string();
  cluster.port = 0;
  cluster.workers = options.workers;
  cluster.threads = options.threads;
  cluster.processors = UsableCpus();
  cluster.concurrency = ThreadCount(0);
  AdmitStreams(options.streams, cluster);
  return cluster;
}

}  // namespace

StatusOr<uint32_t> VocabularyOf(const std::string& model) {
  ASSIGN_OR_RETURN(const MixtralConfig config, ReadConfig(model));
  return config.vocabulary;
}

Status UseLocalCluster(const LocalClusterOptions& options, const Clock& clock,
                       const ClusterUse& use) {
  ASSIGN_OR_RETURN(const MixtralConfig config, ReadConfig(options.model));
  ASSIGN_OR_RETURN(const ClusterOptions cluster, OptionsOf(options));
  SystemEntropy entropy;
  PortReservation reservation(entropy);
  const PortSource ports = [&](uint16_t) { return reservation.ReserveFree(); };
  ASSIGN_OR_RETURN(std::vector<ProcessSpec> processes, PlanCluster(cluster, config.experts, ports));
  ASSIGN_OR_RETURN(SignalSource signals, SignalSource::Create());

  SupervisorOptions supervision;
  supervision.url = UrlOf(cluster, processes.back());  // routers are last
  ASSIGN_OR_RETURN(supervision.log_directory, MakeLogDirectory());
  supervision.status_file = supervision.log_directory + "/cluster.json";
  supervision.ready_timeout = options.ready_timeout;
  supervision.drain_timeout = kDrainTimeout;
  Announcer announcer(options.show_start);
  Supervisor supervisor(std::move(processes), supervision, std::move(signals), clock, announcer);
  Status used = Cancelled("stopped before the cluster was ready");
  Status status = supervisor.Run([&](Duration) {
    used = use(supervision.url);
    ::kill(::getpid(), SIGCHLD);  // told again: somebody else may have read it meanwhile
    supervisor.Stop();
  });
  if (status.ok()) status = used;
  if (status.ok() || status.code() == StatusCode::kCancelled) {
    std::error_code ignored;
    std::filesystem::remove_all(supervision.log_directory, ignored);
  } else {
    announcer.Note("the logs of the cluster are in " + supervision.log_directory);
  }
  return status;
}

}  // namespace windrose::cli
