#include "cli/up_command.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "cli/chat/model_list.h"
#include "cli/cluster/cluster_plan.h"
#include "cli/cluster/restart_pause.h"
#include "cli/supervise/announcer.h"
#include "cli/supervise/child_process.h"
#include "cli/supervise/file_handle.h"
#include "cli/supervise/port_reservation.h"
#include "cli/supervise/signal_source.h"
#include "cli/supervise/supervisor.h"
#include "common/base/random.h"
#include "common/base/thread_placement.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/model/config.h"
#include "common/model/mapped_file.h"
#include "common/net/http_client.h"

namespace windrose::cli {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;
constexpr uint32_t kMaxProcesses = 64;

struct UpConfig {
  ClusterOptions cluster;
  std::string pin = "auto";
  std::string log_dir;
  std::string status_file;
  std::string question = "What is 17 + 25?";
  Duration ready_timeout = Seconds(600);
  Duration drain_timeout = Seconds(30);
  Duration healthy_life = RestartPause::kHealthyLife;
};

void AddClusterFlags(ConfigParser& parser, ClusterOptions& cluster) {
  parser.Add("model", cluster.model, "model directory; empty takes the demo model");
  parser.Add("host", cluster.host, "IPv4 address that routers listen on, for HTTP and gRPC");
  parser.AddPort("port", cluster.port, "HTTP port of the first router; 0 takes a free one", true);
  parser.AddPort("grpc-port", cluster.grpc_port,
                 "gRPC port of the first router; 0 takes a free one", true);
  parser.Add("routers", cluster.routers, "how many routers", 1, kMaxProcesses);
  parser.Add("coordinators", cluster.coordinators, "how many coordinators", 1, kMaxProcesses);
  parser.Add("workers", cluster.workers, "how many expert workers", 1, kMaxProcesses);
  parser.Add("replication", cluster.replication,
             "how many workers hold each expert; 0: all, which share its memory on one machine", 0,
             kMaxProcesses);
  parser.Add("threads", cluster.threads,
             "compute threads of each worker and coordinator; 0: in coordinators one for each "
             "processor, but no more than the CPU quota grants, in workers an even share of those",
             0, 1024);
  parser.Add("program-dir", cluster.program_directory,
             "where the other programs are; empty means beside this one");
  parser.Add("router-arguments", cluster.router_arguments, "more arguments of each router");
  parser.Add("coordinator-arguments", cluster.coordinator_arguments,
             "more arguments of each coordinator");
  parser.Add("worker-arguments", cluster.worker_arguments, "more arguments of each worker");
}

void AddFlags(ConfigParser& parser, UpConfig& config) {
  AddClusterFlags(parser, config.cluster);
  parser.AddChoice("pin", config.pin,
                   "keep each worker on an even share of the processors; auto does where there are "
                   "several workers and a processor for each",
                   {"auto", "on", "off"});
  parser.Add("log-dir", config.log_dir,
             "where the processes' logs go; empty means the user's state");
  parser.Add("status-file", config.status_file,
             "JSON with all processes; empty means cluster.json in the log directory");
  parser.Add("question", config.question, "what the curl command on the screen asks");
  parser.Add("ready-timeout", config.ready_timeout, "time for the whole cluster to become ready",
             Seconds(1), Seconds(86400));
  parser.Add("drain-timeout", config.drain_timeout, "time to drain, for each of the three roles",
             Milliseconds(100), Seconds(86400));
  parser.Add("healthy-life", config.healthy_life,
             "a process that lived this long starts again without a pause", Milliseconds(1),
             Seconds(86400));
}

Status CheckHost(const std::string& host) {
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return OkStatus();
  return InvalidArgument("--host: wanted an IPv4 address, got " + host);
}

std::string DirectoryOfThisProgram() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : program.parent_path().string();
}

// The demo model, from the working directory, the build tree or the installed place.
std::string FindDemoModel(const std::string& program_directory) {
  for (const std::string& candidate :
       {std::string("models/demo"), program_directory + "/../../../models/demo",
        program_directory + "/../share/windrose/models/demo"}) {
    std::error_code error;
    if (std::filesystem::exists(candidate + "/config.json", error)) {
      return std::filesystem::weakly_canonical(candidate, error).string();
    }
  }
  return "models/demo";
}

std::string DefaultLogDirectory(uint16_t port) {
  const Environment environment = SystemEnvironment();
  const std::string name = "/windrose/up-" + std::to_string(port);
  if (const auto state = environment("XDG_STATE_HOME"); state && !state->empty()) {
    return *state + name;
  }
  if (const auto home = environment("HOME"); home && !home->empty()) {
    return *home + "/.local/state" + name;
  }
  return "windrose-logs" + name;
}

// An empty place for this run's logs, ours as long as the handle is open; those of an earlier run
// on the same port are removed.
StatusOr<FileHandle> PrepareLogs(const std::string& directory,
                                 const std::vector<ProcessSpec>& processes) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Unavailable("cannot create " + directory + ": " + error.message());
  FileHandle handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::flock(handle.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return AlreadyExists("the logs of another running cluster are in " + directory +
                         "; choose another place with --log-dir");
  }
  for (const ProcessSpec& process : processes) {
    std::filesystem::remove(directory + "/" + process.name + ".log", error);
  }
  return handle;
}

// The id under which the router at this address serves its model; a stand-in when it does not say,
// or not soon: nothing is supervised while we wait.
std::string ServedModel(const std::string& host, uint16_t port) {
  const HttpClientOptions soon{.connect_timeout = Seconds(1), .silence_timeout = Seconds(1)};
  const auto client =
      HttpClient::Make(HostPort{host == "0.0.0.0" ? "127.0.0.1" : host, port}, soon);
  HttpClientRequest request;
  request.target = "/v1/models";
  const StatusOr<HttpResponse> response = client->Do(request);
  if (!response.ok()) return "mixtral";
  return FirstModelId(response->body).value_or("mixtral");
}

// "1 router", "4 workers".
std::string Counted(uint32_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Status Supervise(UpConfig& config, std::vector<ProcessSpec> processes) {
  const ProcessSpec router = processes[processes.size() - config.cluster.routers];
  if (config.log_dir.empty()) config.log_dir = DefaultLogDirectory(router.port);
  if (config.status_file.empty()) config.status_file = config.log_dir + "/cluster.json";
  ASSIGN_OR_RETURN(const FileHandle logs, PrepareLogs(config.log_dir, processes));

  Announcer announcer(::isatty(STDERR_FILENO) == 1);
  announcer.Note("starting " + Counted(config.cluster.workers, "worker") + ", " +
                 Counted(config.cluster.coordinators, "coordinator") + " and " +
                 Counted(config.cluster.routers, "router") + " with " + config.cluster.model +
                 "; logs are in " + config.log_dir);
  SupervisorOptions options;
  options.url = UrlOf(config.cluster, router);
  options.log_directory = config.log_dir;
  options.status_file = config.status_file;
  options.ready_timeout = config.ready_timeout;
  options.drain_timeout = config.drain_timeout;
  options.healthy_life = config.healthy_life;
  ASSIGN_OR_RETURN(SignalSource signals, SignalSource::Create());
  const SystemClock clock;
  Supervisor supervisor(std::move(processes), options, std::move(signals), clock, announcer);
  return supervisor.Run([&](Duration took) {
    announcer.Ready(
        options.url,
        CurlLine(options.url, ServedModel(config.cluster.host, router.port), config.question),
        took);
  });
}

Status Up(UpConfig& config) {
  ClusterOptions& cluster = config.cluster;
  if (cluster.program_directory.empty()) cluster.program_directory = DirectoryOfThisProgram();
  if (cluster.model.empty()) cluster.model = FindDemoModel(DirectoryOfThisProgram());
  cluster.processors = UsableCpus();
  cluster.concurrency = ThreadCount(0);
  if (config.pin != "auto") cluster.pin = config.pin == "on";
  ASSIGN_OR_RETURN(const std::string json,
                   ReadModelText(cluster.model, "config.json", kMaxConfigBytes));
  ASSIGN_OR_RETURN(const MixtralConfig model, ParseMixtralConfig(json));

  SystemEntropy entropy;
  PortReservation reservation(entropy);
  const PortSource ports = [&](uint16_t wanted) {
    return wanted == 0 ? reservation.ReserveFree() : reservation.Reserve(cluster.host, wanted);
  };
  StatusOr<std::vector<ProcessSpec>> processes = PlanCluster(cluster, model.experts, ports);
  if (processes.status().code() == StatusCode::kAlreadyExists) {
    return AlreadyExists(Message(processes.status()) +
                         "; choose another with --port or --grpc-port");
  }
  RETURN_IF_ERROR(processes.status());
  return Supervise(config, std::move(*processes));
}

}  // namespace

int RunUp(int argc, const char* const* argv) {
  UpConfig config;
  ConfigParser parser("windrose up",
                      "Starts a whole cluster on this machine and keeps it running.");
  AddFlags(parser, config);
  parser.AddCheck([&config] { return CheckHost(config.cluster.host); });
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  HideFromChildren(parser.SharedVariables());  // some have other flags of the same name
  const Status status = Up(config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "windrose up: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace windrose::cli
