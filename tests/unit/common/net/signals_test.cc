#include "common/net/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace windrose {
namespace {

// Each in a process of its own: masks and dispositions would outlive the test.
TEST(SignalWaiter, ReturnsTheFirstSignal) {
  EXPECT_EXIT(
      {
        SignalWaiter waiter;
        raise(SIGTERM);
        std::_Exit(waiter.Wait() == SIGTERM ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

TEST(SignalWaiter, LetsASecondSignalEndTheProcess) {
  EXPECT_EXIT(
      {
        SignalWaiter waiter;
        raise(SIGTERM);
        waiter.Wait();
        raise(SIGINT);
        std::_Exit(1);
      },
      testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(SignalWaiter, TakesTheEndOfATerminalForOneSignal) {
  EXPECT_EXIT(
      {
        signal(SIGHUP, SIG_DFL);
        SignalWaiter waiter;
        raise(SIGHUP);
        const bool first = waiter.Wait() == SIGHUP;
        raise(SIGHUP);
        std::_Exit(first ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

TEST(SignalWaiter, OutlivesATerminalWhenItIsToldTo) {
  EXPECT_EXIT(
      {
        signal(SIGHUP, SIG_IGN);
        SignalWaiter waiter;
        raise(SIGHUP);
        std::_Exit(waiter.WaitFor(Duration::zero()).has_value() ? 1 : 42);
      },
      testing::ExitedWithCode(42), "");
}

TEST(SignalWaiter, LetsALogThatMayNotGrowFailTheWrite) {
  EXPECT_EXIT(
      {
        SignalWaiter waiter;
        const int log = fileno(std::tmpfile());
        const rlimit nothing = {};
        setrlimit(RLIMIT_FSIZE, &nothing);
        std::_Exit(write(log, "line", 4) < 0 && errno == EFBIG ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

TEST(SignalWaiter, WakesAndTimesOut) {
  EXPECT_EXIT(
      {
        SignalWaiter waiter;
        const bool timed_out = !waiter.WaitFor(Duration::zero()).has_value();
        waiter.Wake();
        std::_Exit(timed_out && waiter.Wait() == 0 ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

TEST(SignalWaiter, IgnoresABrokenPipe) {
  EXPECT_EXIT(
      {
        SignalWaiter waiter;
        raise(SIGPIPE);
        std::_Exit(42);
      },
      testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace windrose
