#include "common/process/process_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace windrose {
namespace {

using ::testing::HasSubstr;

// The line that refuses, or nothing.
std::string Refusal(const std::vector<std::string>& arguments) {
  ProcessSettings process = {.admin_listen = "127.0.0.1:9"};
  ComputeSettings compute;
  ConfigParser parser("windrose-test", "test");
  AddProcessSettings(parser, process);
  AddComputeSettings(parser, compute);
  std::ostringstream out;
  std::ostringstream error;
  const auto nothing = [](const std::string&) -> std::optional<std::string> {
    return std::nullopt;
  };
  const auto exit_code = parser.Parse(arguments, nothing, out, error);
  EXPECT_EQ(exit_code.has_value(), !error.str().empty());
  return error.str();
}

TEST(ProcessSettings, TakeWhatIsRight) {
  EXPECT_EQ(Refusal({}), "");
  EXPECT_EQ(Refusal({"--admin-listen=[::1]:7201", "--log-level=off", "--threads=3", "--cpus=0-1",
                     "--instruction-set=AVX2", "--verify-weights=before-ready"}),
            "");
}

TEST(ProcessSettings, NameTheFlagThatIsWrong) {
  EXPECT_THAT(Refusal({"--admin-listen=127.0.0.1"}), HasSubstr("--admin-listen"));
  EXPECT_THAT(Refusal({"--admin-listen=localhost:7201"}),
              HasSubstr("--admin-listen: wanted an IP address"));
  EXPECT_THAT(Refusal({"--log-level=loud"}), HasSubstr("log-level"));
  EXPECT_THAT(Refusal({"--threads=1025"}), HasSubstr("threads"));
  EXPECT_THAT(Refusal({"--cpus=0-"}), HasSubstr("--cpus"));
  EXPECT_THAT(Refusal({"--verify-weights=later"}), HasSubstr("verify-weights"));
}

TEST(CheckInternalListener, AllowsClearTextOnLoopbackOrWhereItIsAskedFor) {
  EXPECT_TRUE(CheckInternalListener("--listen", "127.0.0.1:1", false).ok());
  EXPECT_TRUE(CheckInternalListener("--listen", "0.0.0.0:1", true).ok());
  for (const char* address : {"0.0.0.0:1", "10.0.0.1:1", "127.0.0.1", "127.0.0.1:65536"}) {
    const Status status = CheckInternalListener("--listen", address, false);
    EXPECT_FALSE(status.ok()) << address;
    EXPECT_THAT(Message(status), HasSubstr("--listen"));
  }
}

}  // namespace
}  // namespace windrose
