// HttpServer: an asynchronous HTTP/1.1 server. Bytes go through HttpGate, then Beast parses the
// head; the body is decoded by us. A handler gets a whole request and a responder that it may keep.
//
// Guarantees: requests of one connection are handled one at a time and answered in order; every
// limit of HttpLimits is kept; what the gate refuses is answered with the error body of the public
// API and the connection is closed; a responder that is dropped without an answer sends 500, or
// cuts its stream.
//
// When a client goes away. A reset or a failed write is a disconnect. A half-close (FIN) is not:
// some proxies half-close after the request, so we go on. As a client that closed wholly looks the
// same until we send something, we send "102 Processing" once to an HTTP/1.1 client that
// half-closed before the response began: the reset that a closed client answers with is a
// disconnect. In a stream the next Write does the same.
//
// Writing needs no waiting: Write() queues until more than HttpLimits::stream_buffer_bytes are
// pending; a client that reads too slowly overflows the buffer, or needs longer than the write
// timeout for a buffer-full, and is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/net/http_gate.h"
#include "common/net/http_message.h"

namespace windrose {

// Answers one request: Send(), or StartStream() … Finish() or Break(). What comes after the end, or
// twice, is ignored. Thread-safe; callbacks run on an I/O thread, one at a time, and must not
// block.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;

  // The whole answer. Fields that cannot be sent (CR, LF, NUL) make it a 500.
  virtual void Send(HttpResponse response) = 0;

  // Begins a streamed answer.
  virtual void StartStream(int status, std::vector<HttpField> fields) = 0;

  // Queues `chunk` (never empty). False when the stream is over: not begun, ended, client gone, or
  // cut just now because more than the buffer was pending.
  virtual bool Write(std::string_view chunk) = 0;

  // The clean end of a stream: what is queued, then the last chunk.
  virtual void Finish() = 0;

  // The unclean end: what is queued, then the connection is cut without the last chunk, so that no
  // client takes the stream for complete.
  virtual void Break() = 0;

  // Bytes that were queued and not taken by the socket.
  virtual size_t pending_bytes() const = 0;

  // Calls `callback` once, when at most half of the buffer is pending; at once when that is so now.
  virtual void OnWritable(std::function<void()> callback) = 0;

  // Calls `callback` once when the client is gone before the answer was complete; at once when it
  // is gone already. Not called after a complete answer. One callback; a second replaces the first.
  virtual void OnDisconnect(std::function<void()> callback) = 0;
};

// Runs on an I/O thread and must not block it.
using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<HttpResponder>)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free port
  size_t threads = 1;
  HttpLimits limits;
};

// What the server counted since it started; for metrics and tests.
struct HttpServerStats {
  uint64_t connections_accepted = 0;
  uint64_t connections_refused = 0;  // over a limit, or no descriptor left
  uint64_t connections_open = 0;
  uint64_t requests = 0;          // that reached the handler
  uint64_t requests_refused = 0;  // by the gate, the decoder or a deadline
  uint64_t streams_cut = 0;       // overflow or write timeout
};

// Thread-safe. Must not be stopped or destroyed from within a handler or callback.
class HttpServer {
 public:
  // `log` and `entropy` (request ids) must outlive the server.
  static StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                     HttpHandler handler, Log& log,
                                                     Entropy& entropy);
  virtual ~HttpServer() = default;  // stops at once

  virtual uint16_t port() const = 0;
  virtual HttpServerStats stats() const = 0;

  // Accepts nothing more, closes idle connections, says "Connection: close" on what is answered.
  virtual void BeginDrain() = 0;

  // BeginDrain, waits until no connection is left or `patience` has passed, cuts the rest, joins.
  // The number of connections that were cut.
  virtual size_t Stop(Duration patience) = 0;
};

}  // namespace windrose
