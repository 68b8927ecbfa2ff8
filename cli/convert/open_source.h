// Finds out what kind of source a path is. Thread-safe (a function).
#pragma once

#include <memory>
#include <string>

#include "cli/convert/weight_source.h"
#include "common/base/status.h"

namespace windrose::cli {

// A path that ends in .gguf is a GGUF file, or the first of a split; any other a model directory.
StatusOr<std::unique_ptr<WeightSource>> OpenSource(const std::string& path);

}  // namespace windrose::cli
