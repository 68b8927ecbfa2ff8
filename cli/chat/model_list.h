// Reads answers of the public interface that are not streams. Pure functions; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace windrose::cli {

// The id of the first model of a GET /v1/models. INVALID_ARGUMENT for anything else, NOT_FOUND for
// an empty list.
StatusOr<std::string> FirstModelId(std::string_view body);

// The message in an error body, or the body's beginning when it is none of ours: one line of UTF-8.
std::string ErrorMessage(std::string_view body);

}  // namespace windrose::cli
