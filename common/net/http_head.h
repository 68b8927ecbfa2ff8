// Reading and writing of message heads, between the gate and the connection. Internal to
// common/net. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/http_gate.h"
#include "common/net/http_message.h"

namespace windrose {

// Method and fields of a head that the gate let through, by Beast's parser: a second opinion. False
// when Beast refuses it.
bool ParseHttpHead(std::string_view head, HttpRequest& request);

// How a response head ends the message and the connection.
struct HttpHeadEnding {
  std::optional<uint64_t> content_length;  // nullopt with neither: no body, or until the close
  bool chunked = false;
  bool close = false;
};

// What the server says in every response head.
struct HttpHeadOrigin {
  std::string request_id;
  int64_t unix_seconds = 0;  // now
};

// "Sun, 06 Nov 1994 08:49:37 GMT" for 784111777 (RFC 9110, 5.6.7).
std::string HttpDate(int64_t unix_seconds);

// The bytes of a response head. Nullopt when a field cannot be sent.
std::optional<std::string> FormatHttpHead(int status, const std::vector<HttpField>& fields,
                                          const HttpHeadOrigin& origin,
                                          const HttpHeadEnding& ending);

// The whole answer to what the gate refused; closes.
std::string FormatHttpRefusal(const HttpRefusal& refusal, const HttpHeadOrigin& origin);

// Whether a response of `status` has a body at all.
bool HasHttpBody(int status);

// Whether a client's X-Request-Id may be used and echoed: 1-128 of letters, digits, '-', '_', '.',
// ':'.
bool IsHarmlessRequestId(std::string_view id);

}  // namespace windrose
