// Strict JSON: what config.json, shard indices and safetensors headers are read with.
//
// Boost.JSON's grammar, plus: no key twice in an object, numbers rounded to the nearest double (and
// none outside its range), a limit on depth, and a limit on the number of values, at which reading
// stops. Private to common/model, because Boost.JSON is heavy to include. Thread-safe (pure
// functions).
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "common/base/status.h"

namespace windrose {

struct StrictJsonLimits {
  size_t max_depth = 16;
  size_t max_values = 1'000'000;
};

// The object in `text`; anything else is INVALID_ARGUMENT, with the place of the error.
StatusOr<boost::json::object> ParseStrictJsonObject(std::string_view text,
                                                    const StrictJsonLimits& limits = {});

// `text` cut to 100 bytes, with everything but printable ASCII replaced: for messages.
std::string Quoted(std::string_view text);

}  // namespace windrose
