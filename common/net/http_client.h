// HttpClient: a small blocking HTTP/1.1 client for the command line, benches and tests.
//
// One connection, kept alive between requests and made again when the server closed it. Not for the
// serving path. Thread-compatible, but for Interrupt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"
#include "common/net/address.h"
#include "common/net/http_message.h"

namespace windrose {

struct HttpClientOptions {
  Duration connect_timeout = Seconds(5);
  Duration silence_timeout = Seconds(300);  // without a byte from the server
  size_t body_bytes = 64 * 1024 * 1024;     // of a body that is kept
};

struct HttpClientRequest {
  std::string method = "GET";
  std::string target = "/";
  std::vector<HttpField> fields;
  std::string body;
};

class HttpClient {
 public:
  // Called with each piece of the body as it arrives; false ends the request and closes.
  using BodyCallback = std::function<bool(std::string_view piece)>;

  static std::unique_ptr<HttpClient> Make(const HostPort& server, HttpClientOptions options = {});
  virtual ~HttpClient() = default;

  // The answer, with lower-case field names; its body is empty when `on_body` took it. DATA_LOSS
  // when the connection broke inside the body, UNAVAILABLE when no answer came, CANCELLED when
  // `on_body` said false or after Interrupt, DEADLINE_EXCEEDED when the server was silent too long.
  virtual StatusOr<HttpResponse> Do(const HttpClientRequest& request,
                                    const BodyCallback& on_body = nullptr) = 0;

  // Closes the connection; the next request opens one.
  virtual void Close() = 0;

  // Ends the request under way, and every later one, with CANCELLED. Thread-safe.
  virtual void Interrupt() = 0;
};

}  // namespace windrose
