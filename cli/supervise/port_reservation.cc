#include "cli/supervise/port_reservation.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace windrose::cli {
namespace {

constexpr uint16_t kLowestFreePort = 20000;
constexpr int kAttempts = 1000;

// The first port that the kernel gives to outgoing connections.
uint16_t FirstEphemeralPort() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  uint16_t first = 0;
  if (file >> first && first > kLowestFreePort + kAttempts) return first;
  return 32768;
}

// Whether a port may still have connections of an earlier process, which the kernel remembers for a
// minute. A listener is seen either way.
enum class Remains { kAllowed, kRefused };

void ShareAddress(int socket) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

// Bound, and shared with listeners afterwards.
StatusOr<FileHandle> BindOnly(const std::string& host, uint16_t port, Remains remains) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    return InvalidArgument("the host must be an IPv4 address, got " + host);
  }
  FileHandle socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (remains == Remains::kAllowed) ShareAddress(socket.get());
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (::bind(socket.get(), generic, sizeof(address)) != 0) {
    const std::string reason = std::system_category().message(errno);
    const std::string where = host + ":" + std::to_string(port);
    if (errno != EADDRINUSE) return Unavailable("cannot bind " + where + ": " + reason);
    return AlreadyExists(where + " is already in use by another process");
  }
  ShareAddress(socket.get());
  return socket;
}

}  // namespace

StatusOr<uint16_t> PortReservation::Reserve(const std::string& host, uint16_t wanted) {
  ASSIGN_OR_RETURN(FileHandle socket, BindOnly(host, wanted, Remains::kAllowed));
  sockets_.push_back(std::move(socket));
  return wanted;
}

StatusOr<uint16_t> PortReservation::ReserveFree() {
  const auto range = static_cast<uint64_t>(FirstEphemeralPort() - kLowestFreePort);
  Status last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto port = static_cast<uint16_t>(kLowestFreePort + entropy_.Next() % range);
    StatusOr<FileHandle> socket = BindOnly("127.0.0.1", port, Remains::kRefused);
    if (socket.ok()) {
      sockets_.push_back(*std::move(socket));
      return port;
    }
    last = socket.status();
    if (last.code() != StatusCode::kAlreadyExists) break;
  }
  return Annotate(last, "no free port on 127.0.0.1");
}

}  // namespace windrose::cli
