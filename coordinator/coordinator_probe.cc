#include "coordinator/coordinator_probe.h"

#include <algorithm>
#include <cstddef>

namespace windrose {
namespace {

constexpr size_t kPrefill = 0;
constexpr size_t kDecode = 1;
constexpr std::array<const char*, 2> kPhaseNames = {"prefill", "decode"};

std::string Name(const char* suffix) { return std::string("windrose_coordinator_").append(suffix); }

Buckets CountBuckets() { return ExponentialBuckets(1, 2, 16); }

}  // namespace

CoordinatorProbe::CoordinatorProbe(MetricRegistry& registry, const Clock& clock, const Shape& shape,
                                   std::shared_ptr<Heartbeat> heartbeat)
    : registry_(registry), clock_(clock), heartbeat_(std::move(heartbeat)) {
  AddEngineMetrics(shape);
  AddRequestMetrics();
  AddExpertMetrics(shape);
}

void CoordinatorProbe::AddEngineMetrics(const Shape& shape) {
  running_ = registry_.AddGauge(Name("requests_running"), "Requests in the batch.");
  waiting_ = registry_.AddGauge(Name("requests_waiting"), "Requests not yet in the batch.");
  kv_usage_ =
      registry_.AddGauge(Name("kv_cache_usage_ratio"), "Used part of the KV cache, 0 to 1.");
  const std::string blocks = Name("kv_cache_blocks");
  kv_used_ = registry_.AddGauge(blocks, "Blocks of the KV cache.", {{"state", "used"}});
  kv_free_ = registry_.AddGauge(blocks, "Blocks of the KV cache.", {{"state", "free"}});
  kv_free_.Set(shape.kv_blocks);
  registry_
      .AddGauge(Name("kv_cache_info"), "Shape of the KV cache; always 1.",
                {{"block_size", std::to_string(shape.kv_block_size)},
                 {"num_blocks", std::to_string(shape.kv_blocks)}})
      .Set(1);
  last_step_ = registry_.AddGauge(Name("last_step_timestamp_seconds"),
                                  "When the last step ended, in seconds since 1970.");
  preemptions_ = registry_.AddCounter(
      Name("preemptions_total"), "Sequences that gave their blocks back and were computed again.",
      {{"reason", "kv_full"}});
  for (size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
    const MetricLabels labels = {{"phase", kPhaseNames[phase]}};
    step_seconds_[phase] =
        registry_.AddHistogram(Name("step_seconds"), "Time of one step.", LatencyBuckets(), labels);
    step_tokens_[phase] =
        registry_.AddHistogram(Name("step_tokens"), "Rows of one step.", CountBuckets(), labels);
    step_sequences_[phase] = registry_.AddHistogram(
        Name("step_sequences"), "Sequences in one step.", CountBuckets(), labels);
  }
  const auto add_stage = [this](std::string_view stage) {
    return registry_.AddHistogram(Name("stage_seconds"), "Time of one stage of a step or request.",
                                  LatencyBuckets(), {{"stage", std::string(stage)}});
  };
  for (size_t i = 0; i < kStageCount; ++i) stage_seconds_[i] = add_stage(kStageNames[i]);
  tokenize_seconds_ = add_stage("tokenize");
}

void CoordinatorProbe::AddRequestMetrics() {
  prompt_tokens_ = registry_.AddCounter(Name("prompt_tokens_total"), "Tokens of prompts.");
  generated_tokens_ = registry_.AddCounter(Name("generated_tokens_total"), "Tokens generated.");
  for (const char* reason : {"stop", "length", "abort", "error"}) {
    finished_[reason] = registry_.AddCounter(Name("requests_finished_total"),
                                             "Requests that ended.", {{"finish_reason", reason}});
  }
  const auto add_time = [this](const char* name, const char* help) {
    return registry_.AddHistogram(Name(name), help, LatencyBuckets());
  };
  queue_seconds_ = add_time("request_queue_seconds", "From submission to the first step.");
  prefill_seconds_ = add_time("request_prefill_seconds", "From the first step to the first token.");
  decode_seconds_ = add_time("request_decode_seconds", "From the first token to the end.");
  e2e_seconds_ = add_time("request_e2e_seconds", "From submission to the end.");
  first_token_seconds_ =
      add_time("time_to_first_token_seconds", "From submission to the first token.");
  inter_token_seconds_ =
      add_time("inter_token_latency_seconds", "Between two tokens of one sequence.");
  request_prompt_tokens_ = registry_.AddHistogram(Name("request_prompt_tokens"),
                                                  "Prompt tokens of a request.", CountBuckets());
  request_generated_tokens_ = registry_.AddHistogram(
      Name("request_generated_tokens"), "Generated tokens of a request.", CountBuckets());
}

void CoordinatorProbe::AddExpertMetrics(const Shape& shape) {
  for (uint32_t layer = 0; layer < shape.layers; ++layer) {
    for (uint32_t expert = 0; expert < shape.experts; ++expert) {
      const MetricLabels labels = {{"layer", std::to_string(layer)},
                                   {"expert", std::to_string(expert)}};
      assignments_.push_back(registry_.AddCounter(Name("expert_assignments_total"),
                                                  "Rows that the gate gave an expert.", labels));
      gate_weights_.push_back(registry_.AddCounter(
          Name("expert_gate_weight_total"), "Sum of the gate's weights for an expert.", labels));
    }
  }
  for (uint32_t expert = 0; expert < shape.experts; ++expert) {
    const MetricLabels labels = {{"expert", std::to_string(expert)}};
    expert_rows_.push_back(registry_.AddHistogram(Name("expert_batch_tokens"),
                                                  "Rows of an expert in one step, all layers.",
                                                  CountBuckets(), labels));
    failovers_.push_back(registry_.AddCounter(
        Name("expert_failovers_total"), "Segments sent to another worker than before.", labels));
    replicas_ready_.push_back(
        registry_.AddGauge(Name("expert_replicas_ready"), "Workers ready for an expert.", labels));
  }
  retries_ = registry_.AddCounter(Name("expert_retries_total"),
                                  "Calls for pairs that an earlier call left unanswered.");
  late_replies_ = registry_.AddCounter(Name("expert_late_replies_total"),
                                       "Replies dropped because they were not needed.");
  placement_epoch_ =
      registry_.AddGauge(Name("placement_epoch"), "Version of the map of experts to workers.");
}

void CoordinatorProbe::OnStep(const StepReport& report) {
  const size_t phase = report.prefill_rows > 0 ? kPrefill : kDecode;
  step_seconds_[phase].Observe(ToSeconds(report.duration));
  step_tokens_[phase].Observe(report.rows);
  step_sequences_[phase].Observe(report.sequences);
  for (size_t i = 0; i < kStageCount; ++i) stage_seconds_[i].Observe(ToSeconds(report.stages[i]));
  for (size_t i = 0; i < assignments_.size() && i < report.assignments.size(); ++i) {
    assignments_[i].RaiseTo(static_cast<double>(report.assignments[i]));
  }
  for (size_t i = 0; i < gate_weights_.size() && i < report.gate_weights.size(); ++i) {
    gate_weights_[i].RaiseTo(report.gate_weights[i]);
  }
  for (size_t i = 0; i < expert_rows_.size() && i < report.expert_rows.size(); ++i) {
    if (report.expert_rows[i] > 0) expert_rows_[i].Observe(report.expert_rows[i]);
  }
  last_step_.Set(static_cast<double>(clock_.UnixSeconds()));
}

void CoordinatorProbe::OnLoad(const LoadReport& report) {
  if (heartbeat_ != nullptr) heartbeat_->Beat();
  running_.Set(report.running);
  waiting_.Set(report.waiting);
  kv_used_.Set(report.kv_blocks_used);
  kv_free_.Set(report.kv_blocks_total - report.kv_blocks_used);
  kv_usage_.Set(report.kv_blocks_total == 0
                    ? 0
                    : static_cast<double>(report.kv_blocks_used) / report.kv_blocks_total);
  preemptions_.RaiseTo(static_cast<double>(report.preemptions));
}

void CoordinatorProbe::OnDispatch(const DispatchStats& stats) {
  retries_.RaiseTo(static_cast<double>(stats.retries));
  late_replies_.RaiseTo(static_cast<double>(stats.late_replies));
  placement_epoch_.Set(static_cast<double>(stats.placement_epoch));
  for (size_t i = 0; i < failovers_.size() && i < stats.failovers.size(); ++i) {
    failovers_[i].RaiseTo(static_cast<double>(stats.failovers[i]));
  }
  for (size_t i = 0; i < replicas_ready_.size() && i < stats.replicas_ready.size(); ++i) {
    replicas_ready_[i].Set(stats.replicas_ready[i]);
  }
  ForgetWorkersBut(stats.workers);
  for (const WorkerStats& worker : stats.workers) {
    if (!worker.address.empty()) FollowWorker(worker);
  }
}

CoordinatorProbe::WorkerSeries& CoordinatorProbe::SeriesOf(const std::string& address) {
  const auto found = workers_.find(address);
  if (found != workers_.end()) return found->second;
  WorkerSeries& series = workers_[address];
  const auto labels = [&address](const char* key, const char* value) -> MetricLabels {
    return {{"worker", address}, {key, value}};
  };
  series.up = registry_.AddGauge(Name("worker_up"), "1 while the worker is connected and ready.",
                                 {{"worker", address}});
  for (const char* outcome : {"ok", "error", "overdue"}) {
    series.calls[outcome] = registry_.AddCounter(
        Name("expert_rpc_total"), "Calls to a worker by outcome.", labels("code", outcome));
  }
  const std::string bytes = Name("expert_rpc_bytes_total");
  series.sent_bytes = registry_.AddCounter(bytes, "Bytes of frames.", labels("direction", "sent"));
  series.received_bytes =
      registry_.AddCounter(bytes, "Bytes of frames.", labels("direction", "received"));
  series.seconds = registry_.AddHistogram(
      Name("expert_rpc_seconds"),
      "Mean round trip to a worker within one step, or a tenth of a second of it.",
      LatencyBuckets(), {{"worker", address}});
  return series;
}

void CoordinatorProbe::ForgetWorkersBut(const std::vector<WorkerStats>& known) {
  std::erase_if(workers_, [&](const auto& entry) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const WorkerStats& stats) {
      return stats.address == entry.first;
    });
    if (!is_known) registry_.Remove("worker", entry.first);
    return !is_known;
  });
}

void CoordinatorProbe::FollowWorker(const WorkerStats& stats) {
  WorkerSeries& series = SeriesOf(stats.address);
  series.up.Set(stats.up ? 1 : 0);
  series.calls["ok"].RaiseTo(static_cast<double>(stats.replies));
  series.calls["error"].RaiseTo(static_cast<double>(stats.errors));
  series.calls["overdue"].RaiseTo(static_cast<double>(stats.overdue));
  series.sent_bytes.RaiseTo(static_cast<double>(stats.bytes_sent));
  series.received_bytes.RaiseTo(static_cast<double>(stats.bytes_received));
  if (stats.replies <= series.replies) return;
  const double seconds = ToSeconds(stats.round_trips);
  series.seconds.Observe((seconds - series.round_trips) /
                         static_cast<double>(stats.replies - series.replies));
  series.round_trips = seconds;
  series.replies = stats.replies;
}

void CoordinatorProbe::OnToken(Duration since_previous) {
  generated_tokens_.Inc();
  inter_token_seconds_.Observe(ToSeconds(since_previous));
}

void CoordinatorProbe::OnRequestEnd(const RequestReport& report) {
  const auto reason = finished_.find(report.outcome);
  if (reason != finished_.end()) reason->second.Inc();
  prompt_tokens_.Inc(report.prompt_tokens);
  request_prompt_tokens_.Observe(report.prompt_tokens);
  request_generated_tokens_.Observe(report.generated_tokens);
  e2e_seconds_.Observe(ToSeconds(report.total));
  if (report.queued > Duration{}) queue_seconds_.Observe(ToSeconds(report.queued));
  if (report.first_token <= Duration{}) return;
  generated_tokens_.Inc();  // the first token, which OnToken does not tell
  first_token_seconds_.Observe(ToSeconds(report.first_token));
  prefill_seconds_.Observe(ToSeconds(report.first_token - report.queued));
  decode_seconds_.Observe(ToSeconds(report.total - report.first_token));
}

void CoordinatorProbe::OnTokenized(Duration duration) {
  tokenize_seconds_.Observe(ToSeconds(duration));
}

void CoordinatorProbe::OnCallEnded(std::string_view method, StatusCode code, Duration duration) {
  const std::string name(method);
  Counter calls;
  Histogram seconds;
  {
    MutexLock lock(calls_mutex_);
    const auto [counter, is_new_code] = calls_.try_emplace({name, code});
    if (is_new_code) {
      counter->second =
          registry_.AddCounter(Name("grpc_requests_total"), "RPCs by method and code.",
                               {{"method", name}, {"code", absl::StatusCodeToString(code)}});
    }
    const auto [histogram, is_new_method] = call_seconds_.try_emplace(name);
    if (is_new_method) {
      histogram->second =
          registry_.AddHistogram(Name("grpc_request_duration_seconds"), "Time of one RPC.",
                                 LatencyBuckets(), {{"method", name}});
    }
    calls = counter->second;
    seconds = histogram->second;
  }
  calls.Inc();
  seconds.Observe(ToSeconds(duration));
}

}  // namespace windrose
