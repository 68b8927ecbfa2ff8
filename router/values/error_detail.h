// ErrorDetail: what a Status says to a client beyond its code: OpenAI's `code` and `param`, and
// when to try again. It travels inside the Status, so every fallible function of the router returns
// a Status. Values; thread-safe as values are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/status.h"

namespace windrose::router {

struct ErrorDetail {
  std::string code;   // expert_unavailable, context_length_exceeded, …; may be empty
  std::string param;  // the field at fault, or empty
  uint32_t retry_after_ms = 0;

  bool operator==(const ErrorDetail&) const = default;
};

// `status` with `detail` attached; an OK status stays as it is. An earlier detail is replaced.
Status WithDetail(Status status, const ErrorDetail& detail);

// The detail attached to `status`, or nullopt.
std::optional<ErrorDetail> DetailOf(const Status& status);

// The detail's code, or an empty string.
std::string ErrorCodeOf(const Status& status);

// INVALID_ARGUMENT for the request field `param`.
Status BadField(const std::string& param, const std::string& code, const std::string& message);

}  // namespace windrose::router
