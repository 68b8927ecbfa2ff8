#include "common/process/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

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

TEST(Process, OpensNoAdminPortOnABadAddress) {
  Process process;
  EXPECT_EQ(process.OpenAdmin("127.0.0.1").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(process.admin, nullptr);
}

}  // namespace
}  // namespace windrose
