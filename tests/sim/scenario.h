// Scenario: one seeded run of a simulated cluster under faults, and what it must fulfil.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/checkpoint.h"
#include "coordinator/text/tokenizer.h"
#include "coordinator/values/request.h"
#include "tests/sim/sim_network.h"

namespace windrose {

enum class FaultKind {
  kNone,
  kCrash,
  kStop,
  kDelay,
  kReorder,
  kDuplicate,
  kCorrupt,
  kRefuse,
  kLose,
  kDrain,
  kSpoil,
  kAll
};

struct ScenarioResult {
  std::vector<std::string> violations;  // empty: every invariant held
  uint64_t trace_hash = 0;
  uint64_t strikes = 0;  // workers killed, stopped or drained
  InjectedFaults injected;
  uint64_t retries = 0;
  uint64_t preemptions = 0;
};

const char* Name(FaultKind kind);

// The requests of a run, a function of the seed: mixed prompt lengths, greedy and sampled.
std::vector<Request> MakeRequests(uint64_t seed, uint32_t vocabulary);

// The answers without faults, each request alone on one worker.
std::vector<std::vector<TokenId>> ReferenceAnswers(const Checkpoint& checkpoint,
                                                   const Tokenizer& tokenizer,
                                                   const std::vector<Request>& requests);

// Runs `seed` under `kind` and checks:
//   every request ends exactly once and well, with the reference's tokens, bit for bit;
//   at rest no KV block is in use and nothing is unfinished; no queue exceeded its bound.
ScenarioResult RunScenario(const Checkpoint& checkpoint, const Tokenizer& tokenizer, FaultKind kind,
                           uint64_t seed);

}  // namespace windrose
