#include "cli/supervise/signal_source.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <system_error>

namespace windrose::cli {

StatusOr<SignalSource> SignalSource::Create() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  FileHandle handle(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!handle.open()) {
    return Unavailable("cannot watch signals: " + std::system_category().message(errno));
  }
  return SignalSource(std::move(handle));
}

SignalsSeen SignalSource::Read() const {
  SignalsSeen seen;
  signalfd_siginfo info{};
  while (::read(handle_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD) {
      seen.child = true;
    } else {
      seen.stop = true;
    }
  }
  return seen;
}

}  // namespace windrose::cli
