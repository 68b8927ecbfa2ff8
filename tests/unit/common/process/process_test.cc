#include "common/process/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "common/base/descriptors.h"
#include "common/base/thread_placement.h"

namespace windrose {
namespace {

using ::testing::HasSubstr;

TEST(RunProcess, EndsAsWhatItRunsDoes) {
  bool ran = false;
  EXPECT_EQ(RunProcess({.name = "test", .log_level = "off"},
                       [&](Process& process) {
                         ran = process.log != nullptr && process.cpus.empty();
                         return OkStatus();
                       }),
            0);
  EXPECT_TRUE(ran);
  EXPECT_EQ(
      RunProcess({.name = "test", .log_level = "off"}, [](Process&) { return Unavailable("no"); }),
      1);
}

TEST(RunProcess, LogsWhatIsOddAndWhyItFailed) {
  testing::internal::CaptureStderr();
  RunProcess({.name = "test", .log_level = "info", .warnings = {"an odd setting"}},
             [](Process&) { return Unavailable("no weights"); });
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("an odd setting"));
  EXPECT_THAT(log, HasSubstr("test_failed"));
  EXPECT_THAT(log, HasSubstr("no weights"));
}

// On a thread of its own, since a thread that was placed does not come back.
TEST(RunProcess, RunsOnTheProcessorsItIsGiven) {
  const std::vector<uint32_t> one = {UsableCpus().back()};
  std::thread placed([&one] {
    const auto serve = [&one](Process& process) {
      EXPECT_EQ(process.cpus, one);
      EXPECT_EQ(UsableCpus(), one);
      return OkStatus();
    };
    EXPECT_EQ(RunProcess({.name = "test", .log_level = "off", .cpus = JoinCpus(one)}, serve), 0);
  });
  placed.join();
}

TEST(RunProcess, DoesNotRunWhereItMayNot) {
  const auto serve = [](Process&) -> Status {
    ADD_FAILURE() << "ran nowhere";
    return OkStatus();
  };
  EXPECT_EQ(RunProcess({.name = "test", .log_level = "off", .cpus = "99999"}, serve), 1);
}

// Each in a process of its own, which has only what it is given.
TEST(RunProcess, KeepsItsLogOutOfWhatItOpens) {
  const auto serve = [](Process&) -> Status {
    char target[16] = {};
    const ssize_t length = readlink("/proc/self/fd/2", target, sizeof target);
    std::_Exit(std::string(target, static_cast<size_t>(length)) == "/dev/null" ? 42 : 1);
  };
  EXPECT_EXIT(
      {
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        RunProcess({.name = "test", .log_level = "info"}, serve);
      },
      testing::ExitedWithCode(42), "");
}

TEST(RunProcess, MayOpenAsManyFilesAsItCanBeGranted) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  uint64_t within = 0;
  RunProcess({.name = "test", .log_level = "off"}, [&](Process&) {
    within = DescriptorLimit();
    return OkStatus();
  });
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(within, before.rlim_max);
}

TEST(Process, OpensNoAdminPortOnABadAddress) {
  Process process;
  EXPECT_EQ(process.OpenAdmin("127.0.0.1").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(process.admin, nullptr);
}

}  // namespace
}  // namespace windrose
