#include "common/net/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/check.h"

namespace windrose {
namespace {

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// EndingSignals, and a hang-up unless it is to be outlived.
sigset_t AwaitedSignals() {
  sigset_t signals = EndingSignals();
  struct sigaction action = {};
  const bool is_known = sigaction(SIGHUP, nullptr, &action) == 0;
  if (is_known && action.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);
  return signals;
}

// Only async-signal-safe calls here.
void ExitAtOnce(int signal_number) { _exit(128 + signal_number); }

// From here on a signal is not waited for but ends the process.
void ArmImmediateExit() {
  struct sigaction action = {};
  action.sa_handler = ExitAtOnce;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const sigset_t signals = EndingSignals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

int PollMilliseconds(TimePoint deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SystemClock().Now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
}

}  // namespace

SignalWaiter::SignalWaiter() {
  const sigset_t signals = AwaitedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaction(signal, &ignore, nullptr);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(signal_fd_ >= 0 && wake_fd_ >= 0);
}

SignalWaiter::~SignalWaiter() {
  close(signal_fd_);
  close(wake_fd_);
}

int SignalWaiter::Wait() {
  while (true) {
    if (const std::optional<int> result = WaitFor(Seconds(60))) return *result;
  }
}

std::optional<int> SignalWaiter::WaitFor(Duration patience) {
  const TimePoint deadline = SystemClock().Now() + patience;
  while (true) {
    std::array<pollfd, 2> events = {{{signal_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
    poll(events.data(), events.size(), PollMilliseconds(deadline));
    signalfd_siginfo info = {};
    if (read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      ArmImmediateExit();
      return static_cast<int>(info.ssi_signo);
    }
    uint64_t count = 0;
    if (read(wake_fd_, &count, sizeof count) == static_cast<ssize_t>(sizeof count)) return 0;
    if (SystemClock().Now() >= deadline) return std::nullopt;
  }
}

void SignalWaiter::Wake() {
  const uint64_t one = 1;
  // A full counter means that a wake-up is pending already.
  if (write(wake_fd_, &one, sizeof one) < 0) return;
}

}  // namespace windrose
