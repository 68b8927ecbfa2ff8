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
#include "common/obs/health_state.h"
#include "common/process/process.h"
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

StatusOr<ExpertServerSettings> ServerSettings(const WorkerConfig& config, Entropy& entropy) {
  ExpertServerSettings settings;
  ASSIGN_OR_RETURN(settings.listen, ParseHostPort(config.listen));
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
StatusOr<bool> Load(const ExpertWeights& weights, Process& process, WeightLoading& loading,
                    WorkerProbe& probe, ExpertServer& server) {
  process.health.SetStartupProgress(0.5, "weights mapped");
  ASSIGN_OR_RETURN(const bool loaded,
                   loading.AwaitReady(kHeartbeatPeriod, [&] { server.SendHeartbeats(); }));
  if (!loaded) return false;
  probe.OnLoaded(weights.bytes(), process.clock.Now() - process.began);
  process.health.SetStartupProgress(1.0, "loaded");
  return true;
}

// Until a signal comes, or the weights are found damaged.
Status Attend(Process& process, WeightLoading& loading, const std::function<void()>& beat) {
  while (!process.signals.WaitFor(kHeartbeatPeriod).has_value()) {
    beat();
    RETURN_IF_ERROR(loading.Check());
  }
  return OkStatus();
}

// Serves until a signal comes, then finishes what was accepted; with damaged weights it finishes
// nothing, so that others compute it.
Status ServeUntilSignal(const WorkerConfig& config, Process& process, WeightLoading& loading,
                        Executor& executor, ExpertServer& server) {
  BoundedQueue<bool> finished(1);
  std::thread executing([&] {
    Pin(process.cpus, 0);
    executor.Run(server);
    (void)finished.Push(true);
  });
  server.SetState(WorkerState::kReady);
  process.health.SetStarted();
  process.log->Info("worker_ready", {{"listen", config.listen},
                                     {"experts", config.experts},
                                     {"threads", ThreadCount(config.compute.threads)}});
  const std::shared_ptr<Heartbeat> heartbeat = process.health.AddHeartbeat("main", kLongestSilence);
  const auto beat = [&] {
    heartbeat->Beat();
    server.SendHeartbeats();
  };
  const Status attended = Attend(process, loading, beat);

  process.log->Info("worker_draining");
  process.health.SetDraining();
  server.SetState(WorkerState::kDraining);
  if (attended.ok()) {
    // Coordinators learn of it; what they sent before is still accepted.
    const auto signal = [&](Duration limit) { return process.signals.WaitFor(limit).has_value(); };
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

Status Serve(const WorkerConfig& config, Process& process) {
  RETURN_IF_ERROR(UseInstructionSet(config.compute.instruction_set));
  WeightLoading loading(
      {process.clock, process.signals, process.health, *process.log, process.metrics},
      "windrose_expert_");
  RETURN_IF_ERROR(process.OpenAdmin(config.process.admin_listen));
  process.health.SetStartupProgress(0.0, "opening model");
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(config.model));
  ASSIGN_OR_RETURN(const std::vector<ExpertId> experts,
                   ParseExperts(config.experts, checkpoint.config().experts));
  ASSIGN_OR_RETURN(const ExpertWeights weights, checkpoint.Experts(experts));
  WorkerProbe probe(process.metrics, process.clock, experts);
  ThreadPool pool(ThreadCount(config.compute.threads), process.cpus);
  GroupedFfn ffn(checkpoint.config(), weights, config.tile_rows, pool);
  BatchComputer computer(ffn, config.tile_rows, &probe);
  Executor executor(QueueLimits(config), computer, process.clock, &probe);
  const ExpertServerParts parts = {executor, process.clock, *process.log, &probe};
  ASSIGN_OR_RETURN(const ExpertServerSettings settings, ServerSettings(config, process.entropy));
  ASSIGN_OR_RETURN(const std::unique_ptr<ExpertServer> server,
                   ExpertServer::Start(settings, Hosted(checkpoint, experts), parts));
  loading.Start(config.compute.verify_weights, weights.storage());
  ASSIGN_OR_RETURN(const bool loaded, Load(weights, process, loading, probe, *server));
  if (!loaded) {
    process.log->Info("worker_stopped");
    return OkStatus();
  }
  probe.WatchQueue(executor);
  const Status served = ServeUntilSignal(config, process, loading, executor, *server);
  process.admin.reset();  // Its collectors look at what is destroyed next.
  return served;
}

int Main(int argc, char** argv) {
  ReturnLargeBlocks();
  WorkerConfig config;
  ConfigParser parser("windrose-expert-worker", "Serves experts of a Mixtral to coordinators.");
  AddWorkerSettings(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const ProcessStart start = {.name = "worker",
                              .log_level = config.process.log_level,
                              .cpus = config.compute.cpus,
                              .warnings = parser.warnings()};
  return RunProcess(start, [&config](Process& process) { return Serve(config, process); });
}

}  // namespace
}  // namespace windrose

int main(int argc, char** argv) { return windrose::Main(argc, argv); }
