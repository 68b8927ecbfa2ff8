// windrose-coordinator: loads all of a model but its experts, generates, drains on SIGTERM. Wiring
// only.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/thread_event_loop.h"
#include "common/base/thread_placement.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/kernels/instruction_set.h"
#include "common/loading/weight_loading.h"
#include "common/model/chat_template_check.h"
#include "common/model/chat_template_file.h"
#include "common/model/checkpoint.h"
#include "common/model/checkpoint_layout.h"
#include "common/net/address.h"
#include "common/obs/health_state.h"
#include "common/process/process.h"
#include "coordinator/coordinator_config.h"
#include "coordinator/coordinator_probe.h"
#include "coordinator/engine/engine.h"
#include "coordinator/experts/dispatcher.h"
#include "coordinator/experts_grpc/grpc_expert_transport.h"
#include "coordinator/server/inference_server.h"
#include "coordinator/text/tokenizer.h"

namespace windrose {
namespace {

constexpr Duration kReadinessPeriod = Milliseconds(200);
// Of the engine's thread, which beats while it waits: one that is silent for longer is stuck.
constexpr Duration kLongestSilence = Seconds(30);

// The model as it is served, all of it read-only.
struct LoadedModel {
  Checkpoint checkpoint;
  CoordinatorWeights weights;
  std::unique_ptr<const Tokenizer> tokenizer;
  uint32_t kv_blocks = 0;
  ServedModel served;
};

KvCacheType KvCacheTypeOf(const CoordinatorConfig& config) {
  if (config.kv_cache_type == "q8") return KvCacheType::kQ8;
  return config.kv_cache_type == "bf16" ? KvCacheType::kBf16 : KvCacheType::kF32;
}

// As many blocks as the memory holds, but no more than the sequences could ever use.
StatusOr<uint32_t> KvBlocks(const CoordinatorConfig& config, const MixtralConfig& model) {
  const uint64_t block_bytes = KvCache::BlockBytes(model, KvCacheTypeOf(config));
  const uint64_t useful = uint64_t{BlocksFor(model.positions)} * config.max_sequences;
  const uint64_t blocks = std::min(config.kv_cache_bytes / block_bytes, useful);
  const uint32_t wanted = BlocksFor(std::max(config.context_length, 2U));
  if (blocks >= wanted && blocks <= UINT32_MAX / kKvBlockSize) {
    return static_cast<uint32_t>(blocks);
  }
  return InvalidArgument("--kv-cache-bytes: one sequence needs " + std::to_string(wanted) +
                         " blocks of " + std::to_string(block_bytes) + " bytes, came " +
                         std::to_string(config.kv_cache_bytes) + " bytes");
}

Bf16Order Bf16OrderOf(const CoordinatorConfig& config) {
  return Bf16OrderNamed(config.bf16_order).value_or(FastestBf16Order());
}

// Names all that the bits of an answer depend on.
std::string Fingerprint(const CoordinatorConfig& config, const std::string& model_hash) {
  return "windrose-" WINDROSE_VERSION "-" + model_hash.substr(0, 12) + "-" + InstructionSet() +
         "-" + std::string(NameOf(Bf16OrderOf(config))) + "-" + config.row_type + "-" +
         config.kv_cache_type;
}

void WarnOfChatTemplate(const CoordinatorConfig& config, Log& log) {
  const std::string warning = ChatTemplateWarning(ReadChatTemplate(config.model));
  if (!warning.empty()) log.Warn("chat_template_ignored", {{"what", warning}});
}

StatusOr<LoadedModel> Load(const CoordinatorConfig& config, Process& process,
                           WeightLoading& loading) {
  process.health.SetStartupProgress(0.1, "opening model");
  ASSIGN_OR_RETURN(Checkpoint checkpoint, Checkpoint::Open(config.model));
  const MixtralConfig& shape = checkpoint.config();
  ASSIGN_OR_RETURN(CoordinatorWeights weights, checkpoint.Coordinator());
  process.health.SetStartupProgress(0.3, "weights mapped");
  loading.Start(config.compute.verify_weights, weights.storage);
  process.health.SetStartupProgress(0.6, "reading tokenizer");
  ASSIGN_OR_RETURN(const std::string pieces, checkpoint.Tokenizer());
  ASSIGN_OR_RETURN(std::unique_ptr<const Tokenizer> tokenizer, Tokenizer::Create(pieces));
  RETURN_IF_ERROR(tokenizer->CheckVocabulary(shape.vocabulary));
  WarnOfChatTemplate(config, *process.log);
  if (config.context_length > shape.positions) {
    return InvalidArgument("--context-length: the model has " + std::to_string(shape.positions) +
                           " positions, came " + std::to_string(config.context_length));
  }
  ASSIGN_OR_RETURN(const uint32_t kv_blocks, KvBlocks(config, shape));
  ServedModel served;
  served.id = ServedModelId(config);
  served.aliases = config.model_aliases;
  served.context_length = config.context_length > 0
                              ? config.context_length
                              : std::min(shape.positions, kv_blocks * kKvBlockSize);
  served.vocabulary_size = shape.vocabulary;
  served.model_hash = checkpoint.model_hash();
  served.system_fingerprint = Fingerprint(config, served.model_hash);
  return LoadedModel{std::move(checkpoint), std::move(weights), std::move(tokenizer), kv_blocks,
                     std::move(served)};
}

wire::RowType RowTypeOf(const CoordinatorConfig& config) {
  return config.row_type == "bf16" ? wire::RowType::kBf16 : wire::RowType::kF32;
}

GrpcExpertTransportConfig TransportConfig(const CoordinatorConfig& config,
                                          const Checkpoint& checkpoint) {
  const MixtralConfig& shape = checkpoint.config();
  GrpcExpertTransportConfig transport;
  transport.coordinator_id = config.listen;
  transport.model_hash = checkpoint.model_hash();
  transport.reply_limits.max_rows = config.max_batch_rows * shape.top_k;
  transport.reply_limits.max_segments = shape.experts;
  transport.reply_limits.hidden = shape.hidden;
  transport.reply_limits.model_hash = checkpoint.model_hash_prefix();
  transport.silence_limit = config.worker_silence;
  return transport;
}

// Three matrices of one extent.
ExpertSize SizeOfExperts(const Checkpoint& checkpoint) {
  const uint64_t hidden = checkpoint.config().hidden;
  const uint64_t width = checkpoint.config().expert_width;
  return {.weights = 3 * width * hidden,
          .weight_bytes = 3 * StoredBytes({width, hidden}, checkpoint.format())};
}

DispatchShape ShapeOf(const CoordinatorConfig& config, const Checkpoint& checkpoint) {
  return {.expert_count = checkpoint.config().experts,
          .hidden = checkpoint.config().hidden,
          .model_hash = checkpoint.model_hash_prefix(),
          .row_type = RowTypeOf(config),
          .bf16_order = Bf16OrderOf(config),
          .expert = SizeOfExperts(checkpoint)};
}

DispatchLimits DispatchLimitsOf(const CoordinatorConfig& config) {
  DispatchLimits limits;
  limits.deadlines.floor = config.worker_deadline;
  limits.expert_wait = config.expert_wait;
  limits.exchange_limit += config.expert_wait;  // which alone decides about experts that are away
  return limits;
}

EngineLimits EngineLimitsOf(const CoordinatorConfig& config, uint32_t kv_blocks) {
  EngineLimits limits;
  limits.scheduler.max_sequences = config.max_sequences;
  limits.scheduler.max_batch_rows = config.max_batch_rows;
  limits.scheduler.prefill_chunk = config.prefill_chunk;
  limits.scheduler.kv_blocks = kv_blocks;
  limits.max_waiting = config.max_waiting;
  limits.expert_grace = config.expert_grace;
  return limits;
}

StatusOr<InferenceServerOptions> ServerOptions(const CoordinatorConfig& config) {
  InferenceServerOptions options;
  ASSIGN_OR_RETURN(options.listen, ParseHostPort(config.listen));
  options.allow_insecure = config.insecure_internal;
  options.grpc.message_bytes = config.max_message_bytes;
  options.limits.prompt_bytes = config.max_prompt_bytes;
  options.limits.messages = config.max_messages;
  options.limits.logit_bias = config.max_logit_bias;
  options.limits.logprobs = config.max_logprobs;
  options.limits.stop_strings = config.max_stop_strings;
  options.limits.stop_bytes = config.max_stop_bytes;
  options.limits.echo_logprobs = config.max_echo_logprobs;
  options.open_calls = config.max_open_calls;
  options.time_limit = config.request_timeout;
  options.retry_after = config.retry_after;
  return options;
}

// Until a signal comes, or the weights are found damaged: keeps readiness up to date. Routers take
// a coordinator that serves for one whose engine works, however long a request takes.
Status Attend(const Engine& engine, InferenceServer& server, Process& process,
              WeightLoading& loading) {
  do {
    const std::string reason = engine.NotReadyReason();
    process.health.SetCondition("experts", reason.empty(), reason);
    server.SetServing(reason.empty() && process.health.live());
    RETURN_IF_ERROR(loading.Check());
  } while (!process.signals.WaitFor(kReadinessPeriod).has_value());
  return OkStatus();
}

// Serves until a signal comes, then finishes what was accepted; with damaged weights it breaks all
// streams off, so that routers go on elsewhere.
Status ServeUntilSignal(const CoordinatorConfig& config, Process& process, WeightLoading& loading,
                        Engine& engine, InferenceServer& server) {
  std::thread engine_thread([&engine, &process] {
    Pin(process.cpus, 0);
    engine.Run();
  });
  process.health.SetStarted();
  process.log->Info("coordinator_serving", {{"listen", config.listen},
                                            {"model", config.model},
                                            {"threads", ThreadCount(config.compute.threads)}});
  const Status attended = Attend(engine, server, process, loading);

  process.log->Info("coordinator_draining");
  process.health.SetDraining();
  const bool all_ended = server.Drain(attended.ok() ? config.drain_timeout : Duration{});
  engine.Stop();
  engine_thread.join();
  process.log->Info("coordinator_stopped", {{"complete", all_ended ? "yes" : "no"}});
  return attended;
}

Status Serve(const CoordinatorConfig& config, Process& process) {
  RETURN_IF_ERROR(UseInstructionSet(config.compute.instruction_set));
  WeightLoading loading(
      {process.clock, process.signals, process.health, *process.log, process.metrics},
      "windrose_coordinator_");
  RETURN_IF_ERROR(process.OpenAdmin(config.process.admin_listen));
  ASSIGN_OR_RETURN(const LoadedModel model, Load(config, process, loading));
  ASSIGN_OR_RETURN(const bool loaded, loading.AwaitReady());
  if (!loaded) {
    process.log->Info("coordinator_stopped");
    return OkStatus();
  }
  MixtralConfig shape = model.checkpoint.config();
  shape.positions = model.served.context_length;  // or tables were as long as config.json says
  process.health.SetStartupProgress(0.9, "taking memory");
  ASSIGN_OR_RETURN(KvCache kv, KvCache::Create(shape, model.kv_blocks, KvCacheTypeOf(config)));

  ThreadPool pool(ThreadCount(config.compute.threads), process.cpus);
  ThreadEventLoop loop(process.clock);
  GrpcExpertTransport transport(TransportConfig(config, model.checkpoint), loop, process.entropy,
                                *process.log, &pool);
  Dispatcher dispatcher(ShapeOf(config, model.checkpoint), DispatchLimitsOf(config), loop,
                        transport, *process.log);
  Step step(shape, model.weights, dispatcher, pool, loop);
  CoordinatorProbe probe(process.metrics, process.clock,
                         {shape.layers, shape.experts, model.kv_blocks, kKvBlockSize},
                         process.health.AddHeartbeat("engine", kLongestSilence));
  Engine engine(EngineLimitsOf(config, model.kv_blocks),
                {shape, loop, step, dispatcher, kv, *model.tokenizer, probe, *process.log});

  AddressSource::Options refresh;
  refresh.refresh_period = config.worker_refresh;
  const auto on_addresses = [&loop, &transport](const std::vector<std::string>& addresses) {
    loop.Post([&transport, addresses] { transport.SetAddresses(addresses); });
  };
  ASSIGN_OR_RETURN(std::unique_ptr<AddressSource> workers,
                   AddressSource::Start(config.workers, refresh, on_addresses, *process.log));
  ASSIGN_OR_RETURN(const InferenceServerOptions options, ServerOptions(config));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<InferenceServer> server,
      InferenceServer::Start(options, {model.served, *model.tokenizer, engine, process.clock,
                                       process.entropy, probe, *process.log}));
  const Status served = ServeUntilSignal(config, process, loading, engine, *server);
  workers.reset();
  process.admin.reset();
  return served;
}

int Main(int argc, char** argv) {
  CoordinatorConfig config;
  ConfigParser parser("windrose-coordinator",
                      "Generates with a Mixtral whose experts live in expert workers.");
  AddCoordinatorSettings(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const ProcessStart start = {.name = "coordinator",
                              .log_level = config.process.log_level,
                              .cpus = config.compute.cpus,
                              .warnings = parser.warnings()};
  return RunProcess(start, [&config](Process& process) { return Serve(config, process); });
}

}  // namespace
}  // namespace windrose

int main(int argc, char** argv) { return windrose::Main(argc, argv); }
