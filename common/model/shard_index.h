// model.safetensors.index.json: which file holds which tensor.
//
//   { "metadata"?: anything, "weight_map": {tensor name: plain file name ending in .safetensors} }
//
// Private to common/model. Thread-safe (pure function).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace windrose {

StatusOr<std::map<std::string, std::string>> ParseShardIndex(std::string_view json);

}  // namespace windrose
