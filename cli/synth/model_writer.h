// Writes a whole model directory of random weights. Thread-safe (a function).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/status.h"
#include "common/model/config.h"

namespace windrose::cli {

struct SynthOptions {
  std::string directory;  // made when it is not there; must not hold a model
  MixtralConfig config;
  uint64_t seed = 0;
  uint64_t shard_bytes = 4ULL << 30;
  std::string tokenizer;  // a tokenizer.model to copy; empty copies none
};

// Called now and then with the bytes written and those to write in all.
using SynthProgress = std::function<void(uint64_t bytes, uint64_t total_bytes)>;

// ALREADY_EXISTS when the directory holds a config.json, or a conversion that is unfinished.
Status WriteModel(const SynthOptions& options, const SynthProgress& on_progress);

}  // namespace windrose::cli
