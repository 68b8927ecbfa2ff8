// windrose-expert-worker: maps its experts, serves them, drains on SIGTERM. Wiring only.
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/bounded_queue.h"
#include "common/base/heap.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/thread_placement.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/kernels/instruction_set.h"
#include "common/loading/weight_loading.h"
#include "common/model/checkpoint.h"
#include "common/net/address.h"
#include "common/net/admin_listener.h"
#include "common/net/signals.h"
#include "common/obs/health_state.h"
#include "common/obs/metric_registry.h"
#include "common/obs/process_log.h"
#include "expert-worker/beating_wait.h"
#include "expert-worker/exec/executor.h"
#include "expert-worker/ffn/grouped_ffn.h"
#include "expert-worker/server/expert_server.h"
#include "expert-worker/worker_config.h"
#include "expert-worker/worker_probe.h"

namespace windrose {
namespace {

constexpr Duration kHeartbeatPeriod = Seconds(1);
constexpr Duration kLongestSilence = Seconds(10);
constexpr Duration kReplyGrace = Seconds(2);  // for replies to leave at the end

// What every process has.
struct Process {
  SystemClock clock;
  const TimePoint began = clock.Now();
  SystemEntropy entropy;
  MetricRegistry metrics;
  HealthState health{clock};
  std::unique_ptr<Log> log;
  std::vector<uint32_t> cpus;  // empty: where the system likes
  size_t threads = 1;          // that compute
  std::unique_ptr<AdminListener> admin;
  std::unique_ptr<WeightLoading> loading;
};

Status StartAdmin(const WorkerConfig& config, Process& process) {
  ASSIGN_OR_RETURN(const HostPort address, ParseHostPort(config.admin_listen));
  process.metrics.AddProcessMetrics();
  AdminOptions options;
  options.address = address.host;
  options.port = address.port;
  const AdminListener::Sources sources = {process.metrics, process.health, *process.log,
                                          process.entropy};
  ASSIGN_OR_RETURN(process.admin, AdminListener::Start(options, sources));
  return OkStatus();
}

HostedModel Hosted(const Checkpoint& checkpoint, const std::vector<ExpertId>& experts) {
  HostedModel model;
  model.model_hash = checkpoint.model_hash();
  model.model_hash_prefix = checkpoint.model_hash_prefix();
  model.layer_count = checkpoint.config().layers;
  model.expert_count = checkpoint.config().experts;
  model.hidden = checkpoint.config().hidden;
  model.experts = experts;
  return model;
}

ExpertServerSettings ServerSettings(const WorkerConfig& config, Entropy& entropy) {
  ExpertServerSettings settings;
  settings.listen = config.listen;
  settings.max_rows = config.max_rows;
  settings.max_links = config.max_links;
  settings.max_unsent_bytes = config.max_unsent_bytes;
  settings.max_budget = config.max_budget;
  settings.incarnation = entropy.Next();
  return settings;
}

WorkQueueLimits QueueLimits(const WorkerConfig& config) {
  WorkQueueLimits limits;
  limits.max_rows = config.max_queued_rows;
  limits.max_calls = config.max_queued_calls;
  limits.max_batch_rows = config.max_rows;
  return limits;
}

// Ready does not wait for weights that are only mapped, unless it is told to. False: a signal came
// meanwhile.
StatusOr<bool> Load(const WorkerConfig& config, const ExpertWeights& weights, Process& process,
                    WorkerProbe& probe) {
  process.health.SetStartupProgress(0.5, "weights mapped");
  process.loading->Start(config.verify_weights, weights.storage());
  ASSIGN_OR_RETURN(const bool loaded, process.loading->AwaitReady());
  if (!loaded) return false;
  probe.OnLoaded(weights.bytes(), process.clock.Now() - process.began);
  process.health.SetStartupProgress(1.0, "loaded");
  return true;
}

// Until a signal comes, or the weights are found damaged.
Status Attend(Process& process, SignalWaiter& signals, const std::function<void()>& beat) {
  while (!signals.WaitFor(kHeartbeatPeriod).has_value()) {
    beat();
    RETURN_IF_ERROR(process.loading->Check());
  }
  return OkStatus();
}

// Serves until a signal comes, then finishes what was accepted; with damaged weights it finishes
// nothing, so that others compute it.
Status ServeUntilSignal(const WorkerConfig& config, Process& process, SignalWaiter& signals,
                        Executor& executor, ExpertServer& server) {
  BoundedQueue<bool> finished(1);
  std::thread executing([&] {
    Pin(process.cpus, 0);
    executor.Run(server);
    (void)finished.Push(true);
  });
  server.SetState(WorkerState::kReady);
  process.health.SetStarted();
  process.log->Info(
      "worker_ready",
      {{"listen", config.listen}, {"experts", config.experts}, {"threads", process.threads}});
  const std::shared_ptr<Heartbeat> heartbeat = process.health.AddHeartbeat("main", kLongestSilence);
  const auto beat = [&] {
    heartbeat->Beat();
    server.SendHeartbeats();
  };
  const Status attended = Attend(process, signals, beat);

  process.log->Info("worker_draining");
  process.health.SetDraining();
  server.SetState(WorkerState::kDraining);
  if (attended.ok()) {
    // Coordinators learn of it; what they sent before is still accepted.
    const auto signal = [&](Duration limit) { return signals.WaitFor(limit).has_value(); };
    (void)WaitBeating(signal, config.drain_grace, kHeartbeatPeriod, beat);
    executor.Drain();
    const auto end = [&](Duration limit) {
      return finished.Pop(process.clock.Now() + limit).has_value();
    };
    (void)WaitBeating(end, config.drain_timeout, kHeartbeatPeriod, beat);
  }
  executor.Stop();
  executing.join();
  server.Stop(kReplyGrace);
  process.log->Info("worker_stopped");
  return attended;
}

Status Serve(const WorkerConfig& config, Process& process, SignalWaiter& signals) {
  RETURN_IF_ERROR(UseInstructionSet(config.instruction_set));
  const WeightLoading::Surroundings surroundings = {process.clock, signals, process.health,
                                                    *process.log, process.metrics};
  process.loading = std::make_unique<WeightLoading>(surroundings, "windrose_expert_");
  RETURN_IF_ERROR(StartAdmin(config, process));
  process.health.SetStartupProgress(0.0, "opening model");
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(config.model));
  ASSIGN_OR_RETURN(const std::vector<ExpertId> experts,
                   ParseExperts(config.experts, checkpoint.config().experts));
  ASSIGN_OR_RETURN(const ExpertWeights weights, checkpoint.Experts(experts));
  WorkerProbe probe(process.metrics, process.clock, experts);
  process.threads = ThreadCount(config.threads);
  ThreadPool pool(process.threads, process.cpus);
  GroupedFfn ffn(checkpoint.config(), weights, config.tile_rows, pool);
  BatchComputer computer(ffn, config.tile_rows, &probe);
  Executor executor(QueueLimits(config), computer, process.clock, &probe);
  const ExpertServerParts parts = {executor, process.clock, *process.log, &probe};
  ASSIGN_OR_RETURN(const std::unique_ptr<ExpertServer> server,
                   ExpertServer::Start(ServerSettings(config, process.entropy),
                                       Hosted(checkpoint, experts), parts));
  ASSIGN_OR_RETURN(const bool loaded, Load(config, weights, process, probe));
  if (!loaded) {
    process.log->Info("worker_stopped");
    return OkStatus();
  }
  probe.WatchQueue(executor);
  const Status served = ServeUntilSignal(config, process, signals, executor, *server);
  process.admin.reset();  // Its collectors look at what is destroyed next.
  return served;
}

int Main(int argc, char** argv) {
  ReturnLargeBlocks();
  SignalWaiter signals;
  WorkerConfig config;
  ConfigParser parser("windrose-expert-worker", "Serves experts of a Mixtral to coordinators.");
  AddWorkerSettings(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const StatusOr<LogLevel> level = ParseLogLevel(config.log_level);
  Process process;
  // Before the log has its thread: those that start from here on inherit it.
  const StatusOr<std::vector<uint32_t>> cpus = PlaceProcess(config.cpus);
  process.cpus = cpus.value_or(std::vector<uint32_t>{});
  process.log = MakeProcessLog("worker", level.ok() ? *level : LogLevel::kInfo);
  for (const std::string& warning : parser.warnings()) {
    process.log->Warn("config", {{"what", warning}});
  }
  const Status served = cpus.ok() ? Serve(config, process, signals) : cpus.status();
  if (served.ok()) return 0;
  process.log->Error("worker_failed", {{"why", ToString(served)}});
  return 1;
}

}  // namespace
}  // namespace windrose

int main(int argc, char** argv) { return windrose::Main(argc, argv); }
