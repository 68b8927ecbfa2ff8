// SignalSource: the signals of a supervisor as a descriptor to poll. Made on the main thread before
// any other thread exists. Thread-compatible.
#pragma once

#include "cli/supervise/file_handle.h"
#include "common/base/status.h"

namespace windrose::cli {

struct SignalsSeen {
  bool stop = false;    // SIGINT or SIGTERM
  bool hangup = false;  // SIGHUP: the end of a terminal sends several
  bool child = false;   // SIGCHLD
};

class SignalSource {
 public:
  // Blocks the signals from their usual delivery; children get them unblocked again. SIGHUP
  // stays ignored when whoever started us wanted it so, as nohup does. SIGPIPE is ignored: it is no
  // reason to end when nobody reads our output any more.
  static StatusOr<SignalSource> Create();

  int descriptor() const { return handle_.get(); }
  // What came since the last call; never waits.
  SignalsSeen Read() const;

 private:
  explicit SignalSource(FileHandle handle) : handle_(std::move(handle)) {}

  FileHandle handle_;
};

}  // namespace windrose::cli
