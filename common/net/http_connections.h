// HttpConnections: what all connections of one server share: limits, handler, counts, and who is
// open.
//
// Owns the io_context; each connection holds a reference, so it outlives every socket. Internal to
// common/net. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/net/asio.h"
#include "common/net/http_server.h"

namespace windrose {

class HttpConnection;

class HttpConnections {
 public:
  HttpConnections(const HttpLimits& limits, HttpHandler handler, Entropy& entropy)
      : limits_(limits), handler_(std::move(handler)), entropy_(entropy) {}

  asio::io_context& io() { return io_; }
  const Clock& clock() const { return clock_; }
  const HttpLimits& limits() const { return limits_; }
  const HttpHandler& handler() const { return handler_; }
  std::atomic<bool>& draining() { return draining_; }

  // 16 hexadecimal digits that nobody can guess.
  std::string NewRequestId();

  // Takes a place for a connection from `address`; false over a limit.
  bool Admit(const std::string& address);
  // Gives back a place that Admit gave and no connection took.
  void Release(const std::string& address);
  void Add(const std::shared_ptr<HttpConnection>& connection);
  void Remove(const HttpConnection* connection, const std::string& address);
  std::vector<std::shared_ptr<HttpConnection>> Open() const;
  // Waits until no connection is left; the number of those left at `deadline`.
  size_t WaitUntilEmpty(TimePoint deadline);

  struct Counts {
    std::atomic<uint64_t> accepted{0};
    std::atomic<uint64_t> refused{0};
    std::atomic<uint64_t> requests{0};
    std::atomic<uint64_t> requests_refused{0};
    std::atomic<uint64_t> streams_cut{0};
  };
  Counts& counts() { return counts_; }
  size_t open_count() const;

 private:
  asio::io_context io_;
  const HttpLimits limits_;
  const HttpHandler handler_;
  const SystemClock clock_;
  std::atomic<bool> draining_{false};
  Counts counts_;
  mutable Mutex mutex_;
  CondVar emptied_;
  Entropy& entropy_ WINDROSE_GUARDED_BY(mutex_);
  size_t admitted_ WINDROSE_GUARDED_BY(mutex_) = 0;
  std::map<std::string, size_t> by_address_ WINDROSE_GUARDED_BY(mutex_);
  // Shared: a connection that waits for its answer may have no operation that keeps it alive.
  std::unordered_map<const HttpConnection*, std::shared_ptr<HttpConnection>> open_
      WINDROSE_GUARDED_BY(mutex_);
};

}  // namespace windrose
