#include "cli/supervise/signal_source.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace windrose::cli {
namespace {

// What a source changes of the process is put back behind each test.
class SignalSourceTest : public testing::Test {
 protected:
  SignalSourceTest() {
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
    hang_up_ = ::signal(SIGHUP, SIG_DFL);
    broken_pipe_ = ::signal(SIGPIPE, SIG_DFL);
  }
  ~SignalSourceTest() override {
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    ::signal(SIGHUP, hang_up_);
    ::signal(SIGPIPE, broken_pipe_);
  }

  static SignalsSeen SeenAfter(const SignalSource& source, int signal) {
    ::kill(::getpid(), signal);
    return source.Read();
  }

 private:
  sigset_t mask_{};
  void (*hang_up_)(int) = nullptr;
  void (*broken_pipe_)(int) = nullptr;
};

TEST_F(SignalSourceTest, ReadsEachSignalOnce) {
  const StatusOr<SignalSource> source = SignalSource::Create();
  ASSERT_TRUE(source.ok());
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
    const SignalsSeen seen = SeenAfter(*source, signal);
    EXPECT_EQ(seen.stop, signal == SIGINT || signal == SIGTERM) << signal;
    EXPECT_EQ(seen.hangup, signal == SIGHUP) << signal;
    EXPECT_EQ(seen.child, signal == SIGCHLD) << signal;
  }
  const SignalsSeen seen = source->Read();
  EXPECT_FALSE(seen.stop || seen.hangup || seen.child);
}

TEST_F(SignalSourceTest, IsNotStoppedByTheEndOfATerminalItIsToOutlive) {
  ::signal(SIGHUP, SIG_IGN);
  const StatusOr<SignalSource> source = SignalSource::Create();
  ASSERT_TRUE(source.ok());
  EXPECT_FALSE(SeenAfter(*source, SIGHUP).hangup);
}

TEST_F(SignalSourceTest, IsNotEndedByAPipeThatNobodyReads) {
  const StatusOr<SignalSource> source = SignalSource::Create();
  ASSERT_TRUE(source.ok());
  EXPECT_FALSE(SeenAfter(*source, SIGPIPE).stop) << "and the process lives";
}

}  // namespace
}  // namespace windrose::cli
