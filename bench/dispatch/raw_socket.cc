#include "bench/dispatch/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "common/base/check.h"

namespace windrose {
namespace {

void ReadAll(int socket, std::vector<char>& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = read(socket, bytes.data() + done, bytes.size() - done);
    CHECK(got > 0);
    done += static_cast<size_t>(got);
  }
}

void WriteAll(int socket, const std::vector<char>& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = write(socket, bytes.data() + done, bytes.size() - done);
    CHECK(put > 0);
    done += static_cast<size_t>(put);
  }
}

void NoDelay(int socket) {
  const int on = 1;
  CHECK(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
}

int Listen(sockaddr_in& address) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(listener >= 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  CHECK(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(listen(listener, 1) == 0);
  CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return listener;
}

}  // namespace

std::vector<Duration> MeasureRawSocket(size_t bytes, size_t count, const Clock& clock) {
  sockaddr_in address = {};
  const int listener = Listen(address);
  std::thread echo([&] {
    const int peer = accept(listener, nullptr, nullptr);
    CHECK(peer >= 0);
    NoDelay(peer);
    std::vector<char> message(bytes);
    for (size_t round = 0; round < count; ++round) {
      ReadAll(peer, message);
      WriteAll(peer, message);
    }
    close(peer);
  });
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  NoDelay(client);
  std::vector<char> message(bytes, 'x');
  std::vector<Duration> times;
  for (size_t round = 0; round < count; ++round) {
    const TimePoint begin = clock.Now();
    WriteAll(client, message);
    ReadAll(client, message);
    times.push_back(clock.Now() - begin);
  }
  echo.join();
  close(client);
  close(listener);
  return times;
}

}  // namespace windrose
