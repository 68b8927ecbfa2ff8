#include "common/net/http_connection.h"

#include <poll.h>

#include <algorithm>

#include "common/net/http_head.h"

namespace windrose {
namespace {

constexpr Duration kLingerPatience = Seconds(1);
constexpr Duration kDrainLingerPatience = Milliseconds(50);  // an exit waits for this
constexpr size_t kLongestLinger = 256 * 1024;
constexpr int kKernelSendBuffer = 256 * 1024;  // bounds what the kernel holds for a slow client

const HttpRefusal kTimedOut = {408, "request_timeout", "the request did not arrive in time"};

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<HttpConnections> all, Tcp::socket socket,
                               const Tcp::endpoint& peer)
    : all_(std::move(all)),
      limits_(all_->limits()),
      socket_(std::move(socket)),
      peer_address_(peer.address().to_string()),
      peer_port_(peer.port()),
      deadline_(socket_.get_executor()),
      write_deadline_(socket_.get_executor()),
      gate_(limits_) {}

void HttpConnection::Start() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    AsioError ignored;
    self->socket_.set_option(Tcp::no_delay(true), ignored);
    self->socket_.set_option(asio::socket_base::send_buffer_size(kKernelSendBuffer), ignored);
    self->Advance();
  });
}

void HttpConnection::Drain() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ == Phase::kHead && !self->head_begun_) self->Close(false);
  });
}

void HttpConnection::Abort() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->Close(true); });
}

// ---------------------------------------------------------------------------------------- incoming

void HttpConnection::Read() {
  const bool full = input_.size() >= limits_.head_bytes + read_buffer_.size();
  if (reading_ || end_of_input_ || full || phase_ == Phase::kClosed) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(read_buffer_),
                          [self = shared_from_this()](const AsioError& error, size_t count) {
                            self->OnRead(error, count);
                          });
}

void HttpConnection::OnRead(const AsioError& error, size_t count) {
  reading_ = false;
  if (phase_ == Phase::kClosed) return;
  if (error && error != asio::error::eof) {
    Close(true);
    return;
  }
  if (error) {
    end_of_input_ = true;
    OnEndOfInput();
    return;
  }
  input_.append(read_buffer_.data(), count);
  Advance();
}

void HttpConnection::OnEndOfInput() {
  if (phase_ != Phase::kAnswer) {
    // Nothing can become of a half request; a refusal that is being written may still leave.
    if (phase_ != Phase::kRefused) Close(false);
    return;
  }
  if (!exchange_->begun() && !head_.is_http_1_0) {
    interim_ += "HTTP/1.1 102 Processing\r\n\r\n";
    Pump();
  }
  WatchForReset();
}

void HttpConnection::Advance() {
  switch (phase_) {
    case Phase::kHead:
      AdvanceHead();
      return;
    case Phase::kBody:
      AdvanceBody();
      return;
    case Phase::kAnswer:
      Read();
      if (!reading_) WatchForReset();
      return;
    case Phase::kRefused:
    case Phase::kLinger:
      linger_bytes_ += input_.size();
      input_.clear();
      // Who sends on and on is left to the deadline: closing now would reset the answer away.
      if (linger_bytes_ <= kLongestLinger) Read();
      return;
    case Phase::kClosed:
      return;
  }
}

void HttpConnection::AdvanceHead() {
  if (input_.empty()) {
    if (end_of_input_ || all_->draining()) {
      Close(false);
      return;
    }
    // The first head has a head's time from the connection on, so that silent clients are few.
    SetDeadline(request_count_ == 0 ? limits_.head_timeout : limits_.idle_timeout);
    Read();
    return;
  }
  if (!head_begun_) {
    head_begun_ = true;
    if (request_count_ > 0) SetDeadline(limits_.head_timeout);
  }
  switch (gate_.Examine(input_)) {
    case HttpGate::Verdict::kNeedMore:
      if (end_of_input_) {
        Close(false);
      } else {
        Read();
      }
      return;
    case HttpGate::Verdict::kRefused:
      Refuse(gate_.refusal());
      return;
    case HttpGate::Verdict::kHead:
      BeginRequest();
      return;
  }
}

void HttpConnection::BeginRequest() {
  head_ = gate_.head();
  request_ = HttpRequest();
  if (!ParseHttpHead(std::string_view(input_).substr(0, head_.head_bytes), request_)) {
    Refuse({400, "bad_request", "the request head is malformed"});
    return;
  }
  input_.erase(0, head_.head_bytes);
  request_.path = std::move(head_.path);
  request_.query = std::move(head_.query);
  request_.peer_address = peer_address_;
  request_.peer_port = peer_port_;
  const std::string* wanted_id = request_.Field("x-request-id");
  request_.id =
      wanted_id != nullptr && IsHarmlessRequestId(*wanted_id) ? *wanted_id : all_->NewRequestId();
  ++request_count_;
  if (head_.framing == HttpFraming::kNone) {
    Dispatch();
    return;
  }
  phase_ = Phase::kBody;
  if (head_.framing == HttpFraming::kChunked) decoder_.emplace(limits_);
  body_raw_bytes_ = 0;
  body_begin_ = all_->clock().Now();
  if (head_.expects_continue && input_.empty()) {
    interim_ += "HTTP/1.1 100 Continue\r\n\r\n";
    Pump();
  }
  if (phase_ == Phase::kBody) AdvanceBody();
}

void HttpConnection::AdvanceBody() {
  size_t consumed = 0;
  bool done = false;
  if (decoder_.has_value()) {
    const ChunkedDecoder::Verdict verdict = decoder_->Decode(input_, consumed, request_.body);
    if (verdict == ChunkedDecoder::Verdict::kRefused) {
      Refuse(decoder_->refusal());
      return;
    }
    done = verdict == ChunkedDecoder::Verdict::kDone;
  } else {
    const uint64_t left = head_.content_length - request_.body.size();
    consumed = static_cast<size_t>(std::min<uint64_t>(left, input_.size()));
    request_.body.append(input_, 0, consumed);
    done = request_.body.size() == head_.content_length;
  }
  input_.erase(0, consumed);
  body_raw_bytes_ += consumed;
  if (done) {
    Dispatch();
    return;
  }
  if (end_of_input_) {
    Close(false);
    return;
  }
  SetDeadline(BodyPatience());
  Read();
}

void HttpConnection::Dispatch() {
  phase_ = Phase::kAnswer;
  deadline_.cancel();
  ++deadline_count_;
  decoder_.reset();
  all_->counts().requests.fetch_add(1, std::memory_order_relaxed);
  HttpExchangeSetup setup;
  setup.request_id = request_.id;
  setup.buffer_bytes = limits_.stream_buffer_bytes;
  setup.is_head = request_.method == "HEAD";
  setup.is_http_1_0 = head_.is_http_1_0;
  setup.close = !head_.keep_alive || request_count_ >= limits_.requests_per_connection;
  auto wake = [weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      asio::post(self->socket_.get_executor(), [self] { self->Pump(); });
    }
  };
  exchange_ = std::make_shared<HttpExchange>(std::move(setup), all_->draining(), all_->clock(),
                                             std::move(wake));
  end_ = HttpExchange::End::kNotYet;
  Advance();
  all_->handler()(std::move(request_), MakeExchangeResponder(exchange_));
}

void HttpConnection::Refuse(const HttpRefusal& refusal) {
  all_->counts().requests_refused.fetch_add(1, std::memory_order_relaxed);
  phase_ = Phase::kRefused;
  deadline_.cancel();
  ++deadline_count_;
  linger_bytes_ = 0;
  const std::string id = request_.id.empty() ? all_->NewRequestId() : request_.id;
  interim_ += FormatHttpRefusal(refusal, {id, all_->clock().UnixSeconds()});
  Pump();
  Advance();
}

void HttpConnection::WatchForReset() {
  if (watching_ || phase_ != Phase::kAnswer) return;
  watching_ = true;
  socket_.async_wait(Tcp::socket::wait_error, [self = shared_from_this()](const AsioError& error) {
    if (!error) self->OnSocketEvent();
  });
}

void HttpConnection::OnSocketEvent() {
  if (phase_ == Phase::kClosed) return;
  pollfd state = {socket_.native_handle(), 0, 0};
  const bool broken = poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP)) != 0;
  // Out-of-band data ends the wait too; watching again would wake at once for ever.
  if (broken) Close(true);
}

// ---------------------------------------------------------------------------------------- outgoing

void HttpConnection::Pump() {
  if (phase_ == Phase::kClosed) return;
  if (exchange_ != nullptr && exchange_->cut()) {
    CutStream();
    return;
  }
  if (write_active_) return;
  writing_ = std::exchange(interim_, {});
  if (exchange_ != nullptr) {
    HttpExchange::Output output = exchange_->Take();
    writing_ += output.bytes;
    end_ = output.end;
  }
  if (writing_.empty()) {
    OnOutputDone();
    return;
  }
  written_bytes_ = 0;
  WritePiece();
}

// Each buffer-full has its own deadline, so that a long answer has time in proportion.
void HttpConnection::WritePiece() {
  const size_t left = writing_.size() - written_bytes_;
  write_active_ = true;
  write_deadline_.expires_after(limits_.write_timeout);
  write_deadline_.async_wait(
      [self = shared_from_this(), count = ++write_count_](const AsioError& error) {
        const bool is_current = !error && self->write_active_ && count == self->write_count_;
        if (is_current && self->phase_ != Phase::kClosed) self->CutStream();
      });
  asio::async_write(
      socket_,
      asio::buffer(writing_.data() + written_bytes_, std::min(left, limits_.stream_buffer_bytes)),
      [self = shared_from_this()](const AsioError& error, size_t count) {
        self->OnWrite(error, count);
      });
}

void HttpConnection::OnWrite(const AsioError& error, size_t count) {
  write_active_ = false;
  if (phase_ == Phase::kClosed) return;
  write_deadline_.cancel();
  if (error) {
    Close(true);
    return;
  }
  written_bytes_ += count;
  if (written_bytes_ < writing_.size()) return WritePiece();
  if (exchange_ != nullptr) exchange_->OnWritten();
  Pump();
}

void HttpConnection::OnOutputDone() {
  if (phase_ == Phase::kRefused) {
    Linger();
    return;
  }
  if (phase_ != Phase::kAnswer) return;
  switch (end_) {
    case HttpExchange::End::kNotYet:
      return;
    case HttpExchange::End::kKeepAlive:
      EndRequest();
      return;
    case HttpExchange::End::kClose:
      Linger();
      return;
    case HttpExchange::End::kBreak:
      // Over HTTP/1.0 the end of the connection is the end of the body: only a reset says "broken".
      if (head_.is_http_1_0) {
        Close(true);
      } else {
        Linger();
      }
      return;
    case HttpExchange::End::kCut:  // since Pump looked
      CutStream();
      return;
  }
}

void HttpConnection::EndRequest() {
  exchange_->OnGone();
  exchange_ = nullptr;
  phase_ = Phase::kHead;
  head_begun_ = false;
  gate_.Reset();
  head_ = HttpHead();
  request_ = HttpRequest();
  AdvanceHead();
}

void HttpConnection::Linger() {
  if (exchange_ != nullptr) exchange_->OnGone();
  exchange_ = nullptr;
  if (end_of_input_) {
    Close(false);
    return;
  }
  phase_ = Phase::kLinger;
  AsioError ignored;
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  SetDeadline(all_->draining() ? kDrainLingerPatience : kLingerPatience);
  Advance();
}

// --------------------------------------------------------------------------------------- deadlines

void HttpConnection::SetDeadline(Duration patience) {
  const uint64_t count = ++deadline_count_;
  deadline_.expires_after(patience);
  deadline_.async_wait([self = shared_from_this(), count](const AsioError& error) {
    if (!error && count == self->deadline_count_) self->OnDeadline();
  });
}

void HttpConnection::OnDeadline() {
  if (phase_ == Phase::kBody || (phase_ == Phase::kHead && head_begun_)) {
    Refuse(kTimedOut);
  } else if (phase_ != Phase::kAnswer) {
    Close(false);
  }
}

// What is left of the body's time: the grace, plus what the bytes so far earn at the minimum rate,
// but never more than the body's whole time.
Duration HttpConnection::BodyPatience() const {
  const double earned = static_cast<double>(body_raw_bytes_) /
                        static_cast<double>(std::max<uint64_t>(limits_.body_bytes_per_second, 1));
  const Duration rate_limit =
      limits_.body_grace + Seconds(static_cast<int64_t>(std::min(earned, 3600.0)));
  const TimePoint end = body_begin_ + std::min(rate_limit, limits_.body_timeout);
  return std::max(Duration::zero(), end - all_->clock().Now());
}

void HttpConnection::CutStream() {
  all_->counts().streams_cut.fetch_add(1, std::memory_order_relaxed);
  Close(true);
}

void HttpConnection::Close(bool cut) {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  AsioError ignored;
  if (cut) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  deadline_.cancel();
  write_deadline_.cancel();
  if (exchange_ != nullptr) exchange_->OnGone();
  exchange_ = nullptr;
  all_->Remove(this, peer_address_);
}

}  // namespace windrose
