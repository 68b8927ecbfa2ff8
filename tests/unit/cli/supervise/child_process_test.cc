#include "cli/supervise/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temporary_directory.h"

namespace windrose::cli {
namespace {

// Starts `command` in a shell and waits for its end.
int RunShell(const std::string& command) {
  const StatusOr<pid_t> child = StartChild({"/bin/sh", "-c", command}, "/dev/null");
  EXPECT_TRUE(child.ok());
  int wait_status = 0;
  ::waitpid(*child, &wait_status, 0);
  return wait_status;
}

TEST(ChildProcess, DescribesAnExitCode) {
  EXPECT_EQ(DescribeExit(RunShell("exit 3")), "exited with code 3");
}

TEST(ChildProcess, DescribesASignal) {
  EXPECT_EQ(DescribeExit(RunShell("kill -9 $$")), "was killed by signal 9 (Killed)");
}

TEST(ChildProcess, StartsWithNoSignalBlocked) {
  sigset_t all;
  ::sigfillset(&all);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &all, &before);
  const int wait_status = RunShell("kill -TERM $$; exit 0");
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(DescribeExit(wait_status), "was killed by signal 15 (Terminated)");
}

TEST(ChildProcess, DoesNotIgnoreBrokenPipesAsItsParentDoes) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  const int wait_status = RunShell("kill -PIPE $$; exit 0");
  ::signal(SIGPIPE, before);
  EXPECT_EQ(DescribeExit(wait_status), "was killed by signal 13 (Broken pipe)");
}

TEST(ChildProcess, LeadsAProcessGroupOfItsOwn) {
  EXPECT_EQ(DescribeExit(RunShell("test $(cut -d' ' -f5 /proc/$$/stat) = $$")),
            "exited with code 0");
}

TEST(ChildProcess, InheritsTheEnvironmentButWhatIsHidden) {
  ::setenv("WINDROSE_TEST_HIDDEN", "1", 1);
  ::setenv("WINDROSE_TEST_SHOWN", "1", 1);
  HideFromChildren({"WINDROSE_TEST_HIDDEN", "WINDROSE_TEST_NEVER_SET"});
  EXPECT_EQ(
      DescribeExit(RunShell("test -z \"$WINDROSE_TEST_HIDDEN\" -a -n \"$WINDROSE_TEST_SHOWN\"")),
      "exited with code 0");
  ::unsetenv("WINDROSE_TEST_SHOWN");
}

TEST(ChildProcess, ExitsWith127AndNamesTheProgramThatIsNotThere) {
  const TemporaryDirectory directory;
  const StatusOr<pid_t> child = StartChild({"/nowhere/at/all"}, directory.file("log"));
  ASSERT_TRUE(child.ok());
  int wait_status = 0;
  ::waitpid(*child, &wait_status, 0);
  EXPECT_EQ(DescribeExit(wait_status), "exited with code 127");
  std::ifstream log(directory.file("log"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}),
            "cannot execute /nowhere/at/all\n");
}

TEST(ChildProcess, ReportsALogThatCannotBeOpened) {
  EXPECT_EQ(StartChild({"/bin/true"}, "/nowhere/at/all.log").status().code(),
            StatusCode::kUnavailable);
}

}  // namespace
}  // namespace windrose::cli
