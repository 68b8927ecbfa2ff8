#include "common/obs/process_log.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace windrose
