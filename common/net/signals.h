// SignalWaiter: SIGINT, SIGTERM and SIGHUP as a value that main waits for; SIGPIPE and SIGXFSZ are
// ignored.
//
// Made first in main, before any thread, so that every thread inherits the mask. The first signal
// ends Wait(); from then on SIGINT or SIGTERM ends the process at once, and a hang-up does nothing:
// the end of a terminal sends several. SIGHUP stays ignored when whoever started us wanted it so,
// as nohup does. One per process; main's thread only, but for Wake(). Child processes inherit the
// mask: reset it when starting one.
#pragma once

#include <optional>

#include "common/base/time.h"

namespace windrose {

class SignalWaiter {
 public:
  SignalWaiter();
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // Waits for a signal or Wake(): the signal's number, or 0.
  int Wait();

  // The same, but nullopt once `patience` has passed.
  std::optional<int> WaitFor(Duration patience);

  // Ends the wait from another thread, as when something failed for good. Thread-safe.
  void Wake();

 private:
  int signal_fd_ = -1;
  int wake_fd_ = -1;
};

}  // namespace windrose
