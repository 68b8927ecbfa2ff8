// EngineObserver: what the engine tells about itself, for metrics and logs.
//
// Implemented by coordinator_probe (Prometheus) and by tests. Called on the engine's thread, once
// per step or event, never per row; must not block. Counters are cumulative since the start.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "coordinator/experts/dispatch_stats.h"

namespace windrose {

// Where a step's time goes. kDispatch: planning, encoding, sending. kExpertWait: until the last
// reply.
enum class Stage {
  kAttention,
  kGate,
  kDispatch,
  kExpertWait,
  kCombine,
  kLmHead,
  kSample,
  kDetokenize
};
inline constexpr size_t kStageCount = 8;
inline constexpr std::array<std::string_view, kStageCount> kStageNames = {
    "attention", "gate", "dispatch", "expert_wait", "combine", "lm_head", "sample", "detokenize"};

using StageTimes = std::array<Duration, kStageCount>;

// One finished step.
struct StepReport {
  Duration duration{};
  StageTimes stages{};
  uint32_t rows = 0;
  uint32_t prefill_rows = 0;  // all but the newest token of each running answer
  uint32_t sequences = 0;
  std::span<const uint64_t> assignments;  // [layers, experts] cumulative rows sent to each expert
  std::span<const double> gate_weights;   // [layers, experts] cumulative gate weight
  std::span<const uint32_t> expert_rows;  // [experts] rows of this step, all layers
};

// What the scheduler holds: after each step, each change while idle, and at least each heartbeat.
struct LoadReport {
  uint32_t running = 0;
  uint32_t waiting = 0;
  uint32_t kv_blocks_used = 0;
  uint32_t kv_blocks_total = 0;
  uint64_t preemptions = 0;
};

// One request's end. Times are since its submission, zero when it never got there.
struct RequestReport {
  std::string_view request_id;
  std::string_view outcome;  // stop, length, abort, error
  uint32_t prompt_tokens = 0;
  uint32_t generated_tokens = 0;
  Duration queued{};
  Duration first_token{};
  Duration total{};
};

class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  virtual void OnStep(const StepReport& report) = 0;
  virtual void OnLoad(const LoadReport& report) = 0;
  virtual void OnDispatch(const DispatchStats& stats) = 0;  // with OnLoad
  virtual void OnToken(Duration since_previous) = 0;        // between two tokens of one sequence
  virtual void OnRequestEnd(const RequestReport& report) = 0;
};

// Ignores everything: tests and simulations.
class NullEngineObserver final : public EngineObserver {
 public:
  void OnStep(const StepReport&) override {}
  void OnLoad(const LoadReport&) override {}
  void OnDispatch(const DispatchStats&) override {}
  void OnToken(Duration) override {}
  void OnRequestEnd(const RequestReport&) override {}
};

}  // namespace windrose
