// Tiny random Mixtral directories for tests: real files, no tokenizer. Thread-safe (free
// functions).
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/model/config.h"

namespace windrose {

struct TinyMixtralOptions {
  uint64_t seed = 1;
  size_t shards = 1;  // 1: model.safetensors; more: an index and that many files
};

// A shape with odd sizes in every dimension: 4 heads over 2 key/value heads, 8 experts, top-2.
MixtralConfig TinyMixtralConfig();

// Writes config.json and weights in config.dtype into `directory`. Weights are normal with a spread
// of 1 / sqrt(inputs) (norms: around 1), a pure function of (seed, tensor, index).
Status WriteTinyMixtral(const std::string& directory, const MixtralConfig& config,
                        const TinyMixtralOptions& options = {});

}  // namespace windrose
