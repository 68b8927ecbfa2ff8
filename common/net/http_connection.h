// HttpConnection: one accepted socket and the requests that come over it, one after the other.
//
// All of it runs on the connection's strand; other threads only post to it. A phase owns the
// socket's incoming side: reading a head, reading a body, waiting for the answer, or lingering
// (answered, closed for writing, reading away what the client still sends, so that the answer is
// not lost to a reset). Internal to common/net.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/net/asio.h"
#include "common/net/chunked_decoder.h"
#include "common/net/http_connections.h"
#include "common/net/http_exchange.h"
#include "common/net/http_gate.h"

namespace windrose {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<HttpConnections> all, Tcp::socket socket,
                 const Tcp::endpoint& peer);

  // Once, after construction. Any thread.
  void Start();
  // Closes if no request is under way. Any thread.
  void Drain();
  // Closes now. Any thread.
  void Abort();

 private:
  enum class Phase { kHead, kBody, kAnswer, kRefused, kLinger, kClosed };

  // Incoming.
  void Read();
  void OnRead(const AsioError& error, size_t count);
  void OnEndOfInput();
  void Advance();
  void AdvanceHead();
  void BeginRequest();
  void AdvanceBody();
  void Dispatch();
  void Refuse(const HttpRefusal& refusal);
  void WatchForReset();
  void OnSocketEvent();

  // Outgoing.
  void Pump();
  void WritePiece();
  void OnWrite(const AsioError& error, size_t count);
  void OnOutputDone();
  void EndRequest();
  void Linger();

  // Deadlines.
  void SetDeadline(Duration patience);
  void OnDeadline();
  Duration BodyPatience() const;

  void CutStream();
  // `cut`: with a reset, so that the client cannot take what it has for complete.
  void Close(bool cut);

  const std::shared_ptr<HttpConnections> all_;  // first: outlives the socket
  const HttpLimits& limits_;
  Tcp::socket socket_;
  const std::string peer_address_;
  const uint16_t peer_port_;
  asio::steady_timer deadline_;
  asio::steady_timer write_deadline_;
  uint64_t deadline_count_ = 0;  // tells a stale expiry from the current one
  uint64_t write_count_ = 0;     // likewise

  Phase phase_ = Phase::kHead;
  std::array<char, 16 * 1024> read_buffer_;
  std::string input_;  // received, not consumed
  bool reading_ = false;
  bool watching_ = false;
  bool end_of_input_ = false;

  HttpGate gate_;
  std::optional<ChunkedDecoder> decoder_;
  bool head_begun_ = false;
  HttpHead head_;
  HttpRequest request_;
  uint64_t body_raw_bytes_ = 0;
  TimePoint body_begin_;
  size_t request_count_ = 0;
  size_t linger_bytes_ = 0;

  std::shared_ptr<HttpExchange> exchange_;  // in kAnswer
  HttpExchange::End end_ = HttpExchange::End::kNotYet;
  std::string interim_;  // bytes that go before the answer: 100, 102, or a refusal
  std::string writing_;
  size_t written_bytes_ = 0;  // of `writing_`
  bool write_active_ = false;
};

}  // namespace windrose
