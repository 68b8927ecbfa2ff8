// RawClient: a blocking socket that says exactly what a test wants, and a server to say it to.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/net/http_server.h"

namespace windrose {

class RawClient {
 public:
  // Connects to 127.0.0.1. `receive_buffer` bounds what the kernel takes for us; 0: its own choice.
  explicit RawClient(uint16_t port, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the peer has closed.
  bool Send(std::string_view bytes) const;
  // Reads until `marker` was seen, the peer closed, or `patience` is over. All that was read so far
  // and not returned before.
  std::string ReadUntil(std::string_view marker, Duration patience = Seconds(5));
  // Reads until the peer closes; "<open>" is appended when it has not within `patience`, "<reset>"
  // when it ended with a reset.
  std::string ReadAll(Duration patience = Seconds(5));
  void HalfClose() const;
  // `reset`: RST instead of FIN.
  void Close(bool reset = false);

 private:
  // Bytes read, 0 at the end, -1 after an error or the deadline.
  long ReadSome(TimePoint deadline);

  int fd_ = -1;
  bool reset_ = false;
  std::string buffer_;
};

// A server with what it needs. Members are in the order of their lives.
struct TestServer {
  explicit TestServer(HttpHandler handler, const HttpLimits& limits = {});
  uint16_t port() const { return server->port(); }

  NullLog log;
  SystemEntropy entropy;
  std::unique_ptr<HttpServer> server;
};

// Waits for `done` with a deadline; what it holds in the end.
bool WaitFor(const std::function<bool()>& done, Duration patience = Seconds(5));

}  // namespace windrose
