#include "raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/base/check.h"

namespace windrose {

RawClient::RawClient(uint16_t port, int receive_buffer)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  CHECK(fd_ >= 0);
  if (receive_buffer > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const void* raw = &address;
  CHECK(connect(fd_, static_cast<const sockaddr*>(raw), sizeof address) == 0);
}

RawClient::~RawClient() { Close(); }

bool RawClient::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

long RawClient::ReadSome(TimePoint deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - SystemClock().Now()).count();
  pollfd state = {fd_, POLLIN, 0};
  if (poll(&state, 1, static_cast<int>(std::max<int64_t>(left, 0))) <= 0) return -1;
  std::array<char, 16384> piece = {};
  const ssize_t count = recv(fd_, piece.data(), piece.size(), 0);
  if (count > 0) buffer_.append(piece.data(), static_cast<size_t>(count));
  if (count < 0) reset_ = errno == ECONNRESET;
  return count;
}

std::string RawClient::ReadUntil(std::string_view marker, Duration patience) {
  const TimePoint deadline = SystemClock().Now() + patience;
  size_t at = buffer_.find(marker);
  while (at == std::string::npos && ReadSome(deadline) > 0) at = buffer_.find(marker);
  const size_t end = at == std::string::npos ? buffer_.size() : at + marker.size();
  const std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end);
  return text;
}

std::string RawClient::ReadAll(Duration patience) {
  const TimePoint deadline = SystemClock().Now() + patience;
  long count = 1;
  while (count > 0) count = ReadSome(deadline);
  std::string text = std::exchange(buffer_, {});
  if (reset_) return text + "<reset>";
  return count < 0 ? text + "<open>" : text;
}

void RawClient::HalfClose() const { shutdown(fd_, SHUT_WR); }

void RawClient::Close(bool reset) {
  if (fd_ < 0) return;
  if (reset) {
    const linger at_once = {1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(fd_);
  fd_ = -1;
}

TestServer::TestServer(HttpHandler handler, const HttpLimits& limits) {
  HttpServerOptions options;
  options.threads = 2;
  options.limits = limits;
  auto started = HttpServer::Start(options, std::move(handler), log, entropy);
  CHECK(started.ok());
  server = *std::move(started);
}

bool WaitFor(const std::function<bool()>& done, Duration patience) {
  const SystemClock clock;
  const TimePoint deadline = clock.Now() + patience;
  while (!done()) {
    if (clock.Now() >= deadline) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace windrose
