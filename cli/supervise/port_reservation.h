// PortReservation: ports that stay ours while the processes that listen on them come and go.
//
// A reserved port is bound but not listened on. A child with SO_REUSEADDR may listen on it, nobody
// else may take it, and a connection attempt is refused while no child listens. Free ports are
// taken from below the range of outgoing connections: a client that keeps trying a dead server's
// port could otherwise be given that very port and connect to itself. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/supervise/file_handle.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace windrose::cli {

class PortReservation {
 public:
  explicit PortReservation(Entropy& entropy) : entropy_(entropy) {}

  // `wanted` on `host`, an IPv4 address; ALREADY_EXISTS when another process has it.
  StatusOr<uint16_t> Reserve(const std::string& host, uint16_t wanted);
  // A free port of the loopback address.
  StatusOr<uint16_t> ReserveFree();

 private:
  Entropy& entropy_;
  std::vector<FileHandle> sockets_;
};

}  // namespace windrose::cli
