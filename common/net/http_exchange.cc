#include "common/net/http_exchange.h"

#include <array>
#include <charconv>
#include <utility>

#include "common/base/check.h"
#include "common/net/http_head.h"

namespace windrose {
namespace {

// "size CRLF data CRLF".
std::string EncodeChunk(std::string_view data) {
  std::array<char, 16> digits{};
  const char* const end =
      std::to_chars(digits.data(), digits.data() + digits.size(), data.size(), 16).ptr;
  const std::string_view size(digits.data(), static_cast<size_t>(end - digits.data()));
  std::string chunk;
  chunk.reserve(size.size() + data.size() + 4);
  chunk.append(size).append("\r\n").append(data).append("\r\n");
  return chunk;
}

class ExchangeResponder final : public HttpResponder {
 public:
  explicit ExchangeResponder(std::shared_ptr<HttpExchange> exchange)
      : exchange_(std::move(exchange)) {}
  ~ExchangeResponder() override { exchange_->Drop(); }
  ExchangeResponder(const ExchangeResponder&) = delete;
  ExchangeResponder& operator=(const ExchangeResponder&) = delete;

  void Send(HttpResponse response) override { exchange_->Send(std::move(response)); }
  void StartStream(int status, std::vector<HttpField> fields) override {
    exchange_->StartStream(status, fields);
  }
  bool Write(std::string_view chunk) override { return exchange_->Write(chunk); }
  void Finish() override { exchange_->Finish(); }
  void Break() override { exchange_->Break(); }
  size_t pending_bytes() const override { return exchange_->pending_bytes(); }
  void OnWritable(std::function<void()> callback) override {
    exchange_->OnWritable(std::move(callback));
  }
  void OnDisconnect(std::function<void()> callback) override {
    exchange_->OnDisconnect(std::move(callback));
  }

 private:
  const std::shared_ptr<HttpExchange> exchange_;
};

}  // namespace

std::shared_ptr<HttpResponder> MakeExchangeResponder(std::shared_ptr<HttpExchange> exchange) {
  return std::make_shared<ExchangeResponder>(std::move(exchange));
}

HttpExchange::HttpExchange(HttpExchangeSetup setup, const std::atomic<bool>& draining,
                           const Clock& clock, std::function<void()> wake)
    : setup_(std::move(setup)), draining_(draining), clock_(clock), wake_(std::move(wake)) {}

void HttpExchange::Send(HttpResponse response) {
  Callbacks released;
  MutexLock lock(mutex_);
  if (phase_ != Phase::kWaiting || gone_) return;
  SendLocked(response);
  released = EndLocked(close_ ? End::kClose : End::kKeepAlive);
}

void HttpExchange::StartStream(int status, const std::vector<HttpField>& fields) {
  Callbacks released;
  MutexLock lock(mutex_);
  if (phase_ != Phase::kWaiting || gone_) return;
  HttpHeadEnding ending;
  bodiless_ = setup_.is_head || !HasHttpBody(status);
  chunked_ = !setup_.is_http_1_0 && HasHttpBody(status);
  ending.chunked = chunked_;
  ending.close = DecideCloseLocked();
  const std::optional<std::string> head = FormatHttpHead(status, fields, Origin(), ending);
  if (!head.has_value()) {
    SendErrorLocked();
    released = EndLocked(close_ ? End::kClose : End::kKeepAlive);
    return;
  }
  queued_ += *head;
  phase_ = Phase::kStreaming;
  WakeLocked();
}

bool HttpExchange::Write(std::string_view chunk) {
  MutexLock lock(mutex_);
  if (phase_ != Phase::kStreaming || gone_) return false;
  if (chunk.empty() || bodiless_) return true;
  // A full buffer tells of a slow client; one large chunk, as of an echoed prompt, does not.
  if (PendingLocked() > setup_.buffer_bytes) {
    // The callbacks stay: the connection tells of the cut through them.
    phase_ = Phase::kEnded;
    end_ = End::kCut;
    queued_.clear();
    WakeLocked();
    return false;
  }
  queued_ += chunked_ ? EncodeChunk(chunk) : std::string(chunk);
  WakeLocked();
  return true;
}

void HttpExchange::Finish() {
  Callbacks released;
  MutexLock lock(mutex_);
  if (phase_ != Phase::kStreaming || gone_) return;
  if (chunked_ && !bodiless_) queued_ += "0\r\n\r\n";
  released = EndLocked(close_ ? End::kClose : End::kKeepAlive);
}

void HttpExchange::Break() {
  Callbacks released;
  MutexLock lock(mutex_);
  if (phase_ == Phase::kEnded || gone_) return;
  released = EndLocked(End::kBreak);
}

void HttpExchange::Drop() {
  Callbacks released;
  MutexLock lock(mutex_);
  if (gone_ || phase_ == Phase::kEnded) {
    released = std::exchange(callbacks_, {});
    return;
  }
  if (phase_ == Phase::kStreaming) {
    released = EndLocked(End::kBreak);
    return;
  }
  SendErrorLocked();
  released = EndLocked(close_ ? End::kClose : End::kKeepAlive);
}

size_t HttpExchange::pending_bytes() const {
  MutexLock lock(mutex_);
  return PendingLocked();
}

void HttpExchange::OnWritable(std::function<void()> callback) {
  {
    MutexLock lock(mutex_);
    const bool wait =
        phase_ != Phase::kEnded && !gone_ && PendingLocked() > setup_.buffer_bytes / 2;
    if (wait) {
      std::swap(callbacks_.on_writable, callback);
      return;
    }
  }
  callback();
}

void HttpExchange::OnDisconnect(std::function<void()> callback) {
  bool call = false;
  {
    MutexLock lock(mutex_);
    if (gone_ || end_ == End::kCut) {
      call = end_ == End::kNotYet || end_ == End::kCut;
    } else if (phase_ != Phase::kEnded) {
      std::swap(callbacks_.on_disconnect, callback);
    }
  }
  if (call) callback();
}

HttpExchange::Output HttpExchange::Take() {
  MutexLock lock(mutex_);
  CHECK(in_flight_bytes_ == 0);
  woken_ = false;
  Output output;
  output.bytes = std::exchange(queued_, {});
  output.end = end_;
  in_flight_bytes_ = output.bytes.size();
  return output;
}

void HttpExchange::OnWritten() {
  std::function<void()> writable;
  {
    MutexLock lock(mutex_);
    in_flight_bytes_ = 0;
    if (PendingLocked() <= setup_.buffer_bytes / 2) {
      writable = std::exchange(callbacks_.on_writable, nullptr);
    }
  }
  if (writable) writable();
}

void HttpExchange::OnGone() {
  Callbacks callbacks;
  bool tell = false;
  {
    MutexLock lock(mutex_);
    if (gone_) return;
    gone_ = true;
    queued_.clear();
    in_flight_bytes_ = 0;
    callbacks = std::exchange(callbacks_, {});
    tell = end_ == End::kNotYet || end_ == End::kCut;
  }
  if (tell && callbacks.on_disconnect) callbacks.on_disconnect();
  if (tell && callbacks.on_writable) callbacks.on_writable();
}

bool HttpExchange::begun() const {
  MutexLock lock(mutex_);
  return phase_ != Phase::kWaiting;
}

bool HttpExchange::cut() const {
  MutexLock lock(mutex_);
  return end_ == End::kCut;
}

void HttpExchange::SendLocked(const HttpResponse& response) {
  HttpHeadEnding ending;
  ending.close = DecideCloseLocked();
  if (HasHttpBody(response.status)) ending.content_length = response.body.size();
  const std::optional<std::string> head =
      FormatHttpHead(response.status, response.fields, Origin(), ending);
  if (!head.has_value()) {
    SendErrorLocked();
    return;
  }
  queued_ += *head;
  if (!setup_.is_head && HasHttpBody(response.status)) queued_ += response.body;
}

void HttpExchange::SendErrorLocked() {
  HttpResponse error;
  error.status = 500;
  error.fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  error.body = HttpErrorBody("the request could not be answered", "server_error", "internal_error");
  SendLocked(error);
}

HttpExchange::Callbacks HttpExchange::EndLocked(End end) {
  phase_ = Phase::kEnded;
  end_ = end;
  WakeLocked();
  return std::exchange(callbacks_, {});
}

void HttpExchange::WakeLocked() {
  if (woken_ || gone_) return;
  woken_ = true;
  wake_();
}

HttpHeadOrigin HttpExchange::Origin() const { return {setup_.request_id, clock_.UnixSeconds()}; }

bool HttpExchange::DecideCloseLocked() {
  close_ = setup_.close || setup_.is_http_1_0 || draining_.load(std::memory_order_relaxed);
  return close_;
}

size_t HttpExchange::PendingLocked() const { return queued_.size() + in_flight_bytes_; }

}  // namespace windrose
