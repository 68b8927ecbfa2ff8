// Errors as OpenAI's clients read them: Status to HTTP status, headers and body.
//
// The ErrorDetail's code decides where it is known, else the status code does. Pure functions;
// thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace windrose::router {

struct ErrorAnswer {
  int http_status = 500;
  std::string type;  // invalid_request_error, rate_limit_error, server_error, …
  std::string code;
  std::string param;
  std::string message;
  uint32_t retry_after_ms = 0;  // 0: not said
  bool should_retry = true;     // false: the client's library is told not to repeat it by itself
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// `late`: tokens had been generated, so an automatic repetition would cost them again.
ErrorAnswer ToErrorAnswer(const Status& status, bool late = false);

// {"error":{"message":…,"type":…,"param":…,"code":…}}
std::string ErrorBody(const ErrorAnswer& answer);

// Retry-After (whole seconds, rounded up), retry-after-ms, x-should-retry; empty when nothing is
// said.
HeaderList ErrorHeaders(const ErrorAnswer& answer);

}  // namespace windrose::router
