#include "common/obs/process_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

namespace windrose {
namespace {

TEST(ProcessLog, WritesToStderrByLevel) {
  testing::internal::CaptureStderr();
  {
    const auto log = MakeProcessLog("router", LogLevel::kInfo);
    log->Debug("hidden");
    log->Info("started", {{"port", 8080}});
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("Z info router started port=8080\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("hidden"), std::string::npos);
}

// A log after more lines than the queue and the pipe hold, while nobody reads the pipe.
std::unique_ptr<Log> LogIntoABlockedStderr() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0 || dup2(ends[1], STDERR_FILENO) < 0) return nullptr;
  std::unique_ptr<Log> log = MakeProcessLog("router", LogLevel::kInfo, Duration::zero());
  for (int line = 0; line < 20'000; ++line) log->Info("line", {{"number", line}});
  return log;
}

TEST(ProcessLog, NeverWaitsForABlockedStderr) {
  EXPECT_EXIT(std::_Exit(LogIntoABlockedStderr().release() != nullptr ? 42 : 1),
              testing::ExitedWithCode(42), "");
}

TEST(ProcessLog, LetsTheProcessEndWhileStderrIsBlocked) {
  EXPECT_EXIT(
      {
        alarm(30);  // ends one that waits
        const bool blocked = LogIntoABlockedStderr() != nullptr;
        std::exit(blocked ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace windrose
