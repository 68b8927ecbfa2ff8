#include "cli/supervise/readiness_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace windrose::cli {
namespace {

constexpr std::string_view kReadyLine = "HTTP/1.1 200";

FileHandle ConnectLoopback(uint16_t port) {
  FileHandle socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (::connect(socket.get(), generic, sizeof(address)) != 0 && errno != EINPROGRESS) {
    return FileHandle();
  }
  return socket;
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

void ReadinessProbe::Begin(TimePoint now) {
  socket_ = ConnectLoopback(admin_port_);
  deadline_ = now + kTimeout;
  unsent_ = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(admin_port_) +
            "\r\nConnection: close\r\n\r\n";
  received_.clear();
}

int16_t ReadinessProbe::events() const { return unsent_.empty() ? POLLIN : POLLOUT; }

ProbeResult ReadinessProbe::End(ProbeResult result) {
  socket_.Close();
  return result;
}

ProbeResult ReadinessProbe::Advance(TimePoint now) {
  if (!socket_.open() || now >= deadline_) return End(ProbeResult::kNotReady);
  if (!unsent_.empty()) {
    const ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0) return WouldBlock() ? ProbeResult::kPending : End(ProbeResult::kNotReady);
    unsent_.erase(0, static_cast<size_t>(sent));
    return ProbeResult::kPending;
  }
  std::array<char, 256> bytes{};
  const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (count < 0 && WouldBlock()) return ProbeResult::kPending;
  if (count <= 0) return End(ProbeResult::kNotReady);
  received_.append(bytes.data(), static_cast<size_t>(count));
  if (received_.size() < kReadyLine.size()) return ProbeResult::kPending;
  return End(received_.starts_with(kReadyLine) ? ProbeResult::kReady : ProbeResult::kNotReady);
}

}  // namespace windrose::cli
