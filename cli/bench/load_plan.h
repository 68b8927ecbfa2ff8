// What a measurement sends, as values: the levels of concurrency, and each request's prompt.
//
// A prompt is a pure function of the seed and the request's ordinal, so two measurements with the
// same options ask for the same. Ordinals count through all levels, warm-up first: no prompt comes
// twice. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace windrose::cli {

constexpr uint32_t kMaxConcurrency = 1024;  // each stream is a thread
constexpr uint32_t kMaxLevels = 32;
constexpr uint32_t kMaxRequests = 1'000'000;  // of one level
constexpr uint64_t kMaxSamples = 8'000'000;   // tokens of one level: the time of each is kept

// The ids in front of it stand for unknown text and for the ends of a text.
constexpr uint32_t kFirstOrdinaryToken = 3;

// What all requests have in common.
struct LoadShape {
  std::string model;  // as it is served
  uint32_t prompt_tokens = 128;
  uint32_t max_tokens = 64;  // and no fewer: </s> does not end an answer
  uint32_t vocabulary = 0;   // ids below it are drawn; above kFirstOrdinaryToken
  uint64_t seed = 0;
};

// `requests` requests, `concurrency` of them at a time.
struct Level {
  uint32_t concurrency = 1;
  uint32_t requests = 1;
  uint32_t first_ordinal = 0;
};

struct LevelOptions {
  std::vector<uint32_t> concurrency;  // each 1 to kMaxConcurrency
  uint32_t requests = 0;              // of each level; 0: 4 for each stream, but at least 8
  uint32_t max_tokens = 1;
  uint32_t warmup = 0;  // requests before the first level
};

// INVALID_ARGUMENT, beginning with the flag, for what is out of its limits.
StatusOr<std::vector<Level>> PlanLevels(const LevelOptions& options);

// The ids of the prompt of the request with this ordinal.
std::vector<uint32_t> PromptIds(const LoadShape& shape, uint32_t ordinal);

// Its body for POST /v1/completions.
std::string CompletionBody(const LoadShape& shape, uint32_t ordinal);

}  // namespace windrose::cli
