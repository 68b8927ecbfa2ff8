// Shapes to start from when a model is made up. Pure functions; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/model/config.h"

namespace windrose::cli {

// "mixtral-8x7b", "demo" and "tiny".
std::vector<std::string> ShapeNames();

// INVALID_ARGUMENT for a name that is not one of them.
StatusOr<MixtralConfig> ShapeNamed(const std::string& name);

}  // namespace windrose::cli
