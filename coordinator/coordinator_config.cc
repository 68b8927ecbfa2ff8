#include "coordinator/coordinator_config.h"

#include <filesystem>

#include "common/net/address.h"

namespace windrose {
namespace {

void AddModelSettings(ConfigParser& parser, CoordinatorConfig& config) {
  parser.Add("model", config.model, "directory of the model");
  parser.Add("model-id", config.model_id, "name of the model for clients");
  parser.Add("model-aliases", config.model_aliases, "further names of the model");
  parser.Add("workers", config.workers, "expert workers: host:port,… or dns:///name:port");
  parser.Add("listen", config.listen, "host:port for routers");
  parser.Add("insecure-internal", config.insecure_internal,
             "allow clear text on addresses that are not loopback");
  parser.AddChoice("row-type", config.row_type, "type of rows sent to workers", {"f32", "bf16"});
  parser.AddChoice("bf16-order", config.bf16_order,
                   "order of sums in a model converted to bf16, at the workers as well: blocks is "
                   "fast with a matrix unit, pairs without, auto is what suits this processor; "
                   "coordinators that may take over from one another must say the same",
                   {"pairs", "blocks", "auto"});
}

void AddEngineSettings(ConfigParser& parser, CoordinatorConfig& config) {
  parser.Add("context-length", config.context_length,
             "tokens of prompt and answer; 0: as long as the model and the cache allow", 0,
             1U << 24);
  parser.AddBytes("kv-cache-bytes", config.kv_cache_bytes, "memory for keys and values", 1ULL << 16,
                  1ULL << 44);
  parser.AddChoice("kv-cache-type", config.kv_cache_type, "number format of keys and values",
                   {"f32", "bf16", "q8"});
  parser.Add("max-sequences", config.max_sequences, "sequences running at once", 1, 4096);
  parser.Add("max-waiting", config.max_waiting, "requests that may wait", 0, 1U << 20);
  parser.Add("max-batch-rows", config.max_batch_rows, "rows of one step", 1, 2048);
  parser.Add("prefill-chunk", config.prefill_chunk, "rows of one sequence in one step", 1, 2048);
  parser.Add("expert-wait", config.expert_wait, "wait for an expert that nobody holds",
             Milliseconds(1), Seconds(600));
  parser.Add("expert-grace", config.expert_grace,
             "requests are refused when an expert is away for longer", Duration{}, Seconds(600));
  // Workers say something each second.
  parser.Add("worker-silence", config.worker_silence, "a worker silent for longer is down",
             Seconds(2), Seconds(600));
  parser.Add("worker-refresh", config.worker_refresh, "a DNS name is resolved again after",
             Milliseconds(100), Seconds(3600));
  parser.Add("worker-deadline", config.worker_deadline, "no call to a worker is given up sooner",
             Milliseconds(1), Seconds(60));
}

void AddRequestSettings(ConfigParser& parser, CoordinatorConfig& config) {
  parser.Add("max-open-calls", config.max_open_calls, "Generate calls at once", 1, 1U << 20);
  parser.AddBytes("max-message-bytes", config.max_message_bytes, "size of one RPC message",
                  1ULL << 16, 1ULL << 30);
  parser.AddBytes("max-prompt-bytes", config.max_prompt_bytes, "text of one prompt", 1, 4ULL << 20);
  parser.Add("max-messages", config.max_messages, "messages of one chat", 1, 1U << 20);
  parser.Add("max-stop-strings", config.max_stop_strings, "stop strings of one request", 0, 64);
  parser.Add("max-stop-bytes", config.max_stop_bytes, "bytes of one stop string", 1, 4096);
  parser.Add("max-logit-bias", config.max_logit_bias, "entries of a logit bias", 0, 1U << 20);
  parser.Add("max-logprobs", config.max_logprobs, "alternatives of a token", 0, 100);
  parser.Add("max-echo-logprobs", config.max_echo_logprobs,
             "log-probabilities of an echoed prompt, tokens times alternatives", 0, 1U << 22);
  parser.Add("request-timeout", config.request_timeout, "longest time of one request",
             Milliseconds(1), Seconds(86400));
  parser.Add("retry-after", config.retry_after, "told to clients that are turned away",
             Milliseconds(1), Seconds(120));
  parser.Add("drain-timeout", config.drain_timeout, "time to finish what was accepted",
             Milliseconds(1), Seconds(3600));
}

Status Check(const CoordinatorConfig& config) {
  if (config.model.empty()) return InvalidArgument("--model: wanted a directory, came nothing");
  const StatusOr<AddressSpec> workers = ParseAddressSpec(config.workers);
  if (!workers.ok()) return Annotate(workers.status(), "--workers");
  const std::string& admin_listen = config.process.admin_listen;
  RETURN_IF_ERROR(CheckInternalListener("--listen", config.listen, config.insecure_internal));
  RETURN_IF_ERROR(CheckInternalListener("--admin-listen", admin_listen, config.insecure_internal));
  if (config.listen == admin_listen) {
    return InvalidArgument("--admin-listen: wanted another address than --listen");
  }
  if (config.prefill_chunk > config.max_batch_rows) {
    return InvalidArgument("--prefill-chunk: wanted at most --max-batch-rows, " +
                           std::to_string(config.max_batch_rows) + ", came " +
                           std::to_string(config.prefill_chunk));
  }
  if (config.max_sequences > config.max_batch_rows) {
    return InvalidArgument("--max-sequences: wanted at most --max-batch-rows, " +
                           std::to_string(config.max_batch_rows) + ", came " +
                           std::to_string(config.max_sequences));
  }
  return OkStatus();
}

}  // namespace

void AddCoordinatorSettings(ConfigParser& parser, CoordinatorConfig& config) {
  AddModelSettings(parser, config);
  AddProcessSettings(parser, config.process);
  AddComputeSettings(parser, config.compute);
  AddEngineSettings(parser, config);
  AddRequestSettings(parser, config);
  parser.AddCheck([&config] { return Check(config); });
}

std::string ServedModelId(const CoordinatorConfig& config) {
  if (!config.model_id.empty()) return config.model_id;
  const std::filesystem::path directory(config.model);
  const std::string name = directory.has_filename() ? directory.filename().string()
                                                    : directory.parent_path().filename().string();
  return name.empty() || name == "." || name == ".." ? "model" : name;
}

}  // namespace windrose
