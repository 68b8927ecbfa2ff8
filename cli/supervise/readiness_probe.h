// ReadinessProbe: asks one process's /readyz without ever waiting.
//
// One non-blocking HTTP/1.1 request at a time on the admin port; the owner polls descriptor() for
// events() and calls Advance. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>

#include "cli/supervise/file_handle.h"
#include "common/base/time.h"

namespace windrose::cli {

enum class ProbeResult { kPending, kReady, kNotReady };

class ReadinessProbe {
 public:
  static constexpr Duration kTimeout = Seconds(1);

  explicit ReadinessProbe(uint16_t admin_port) : admin_port_(admin_port) {}

  // Begins a request, dropping the one before.
  void Begin(TimePoint now);
  bool pending() const { return socket_.open(); }
  TimePoint deadline() const { return deadline_; }
  int descriptor() const { return socket_.get(); }
  int16_t events() const;  // what to poll for

  // Goes on as far as the socket allows. kReady and kNotReady end the request.
  ProbeResult Advance(TimePoint now);

 private:
  ProbeResult End(ProbeResult result);

  uint16_t admin_port_;
  FileHandle socket_;
  TimePoint deadline_;
  std::string unsent_;
  std::string received_;
};

}  // namespace windrose::cli
