// HttpExchange: what a handler's responder and a connection share about one request's answer.
//
// The responder side (any thread) appends bytes; the connection (its strand) takes them and tells
// what was written. Internal to common/net, knows no socket. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/time.h"
#include "common/net/http_head.h"
#include "common/net/http_message.h"
#include "common/net/http_server.h"

namespace windrose {

// What must be known of the request to answer it.
struct HttpExchangeSetup {
  std::string request_id;
  size_t buffer_bytes = 0;
  bool is_head = false;      // HEAD: no body is sent
  bool is_http_1_0 = false;  // streams are not chunked and end with the connection
  bool close = false;        // the connection ends with this answer
};

class HttpExchange {
 public:
  // `wake` asks the connection to call Take() soon; called under the lock, must only post.
  // `draining` and `clock` are read when the head is written.
  HttpExchange(HttpExchangeSetup setup, const std::atomic<bool>& draining, const Clock& clock,
               std::function<void()> wake);

  // The handler's side.
  void Send(HttpResponse response);
  void StartStream(int status, const std::vector<HttpField>& fields);
  bool Write(std::string_view chunk);
  void Finish();
  void Break();
  size_t pending_bytes() const;
  void OnWritable(std::function<void()> callback);
  void OnDisconnect(std::function<void()> callback);
  void Drop();  // the responder is gone: 500, or the stream is cut

  // The connection's side.
  enum class End { kNotYet, kKeepAlive, kClose, kBreak, kCut };
  struct Output {
    std::string bytes;       // to be written next
    End end = End::kNotYet;  // once they are
  };
  Output Take();
  void OnWritten();  // what the last Take gave has left
  void OnGone();     // the client went away, or the connection was cut
  bool begun() const;
  bool cut() const;  // the handler's stream overflowed: stop even in the middle of a write

 private:
  enum class Phase { kWaiting, kStreaming, kEnded };
  // Moved out under the lock, called or destroyed after it: they may own the responder.
  struct Callbacks {
    std::function<void()> on_writable;
    std::function<void()> on_disconnect;
  };

  void SendLocked(const HttpResponse& response) WINDROSE_REQUIRES(mutex_);
  void SendErrorLocked() WINDROSE_REQUIRES(mutex_);
  Callbacks EndLocked(End end) WINDROSE_REQUIRES(mutex_);
  void WakeLocked() WINDROSE_REQUIRES(mutex_);
  HttpHeadOrigin Origin() const;
  bool DecideCloseLocked() WINDROSE_REQUIRES(mutex_);
  size_t PendingLocked() const WINDROSE_REQUIRES(mutex_);

  const HttpExchangeSetup setup_;
  const std::atomic<bool>& draining_;
  const Clock& clock_;
  const std::function<void()> wake_;
  mutable Mutex mutex_;
  Phase phase_ WINDROSE_GUARDED_BY(mutex_) = Phase::kWaiting;
  End end_ WINDROSE_GUARDED_BY(mutex_) = End::kNotYet;
  bool close_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool chunked_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool bodiless_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool gone_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool woken_ WINDROSE_GUARDED_BY(mutex_) = false;
  std::string queued_ WINDROSE_GUARDED_BY(mutex_);
  size_t in_flight_bytes_ WINDROSE_GUARDED_BY(mutex_) = 0;
  Callbacks callbacks_ WINDROSE_GUARDED_BY(mutex_);
};

// A responder for `exchange`; dropping it drops the exchange.
std::shared_ptr<HttpResponder> MakeExchangeResponder(std::shared_ptr<HttpExchange> exchange);

}  // namespace windrose
