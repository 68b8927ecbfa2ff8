#include "cli/supervise/signal_source.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <system_error>

namespace windrose::cli {
namespace {

bool IsIgnored(int signal) {
  struct sigaction action = {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

StatusOr<SignalSource> SignalSource::Create() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) ::sigaddset(&signals, signal);
  if (!IsIgnored(SIGHUP)) ::sigaddset(&signals, SIGHUP);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
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
    seen.child = seen.child || info.ssi_signo == SIGCHLD;
    seen.hangup = seen.hangup || info.ssi_signo == SIGHUP;
    seen.stop = seen.stop || info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;
  }
  return seen;
}

}  // namespace windrose::cli
