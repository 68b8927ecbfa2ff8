#include "expert-worker/worker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace windrose {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  std::optional<int> exit_code;
  WorkerConfig config;
  std::string error;
};

Parsed Parse(const std::vector<std::string>& arguments) {
  Parsed parsed;
  ConfigParser parser("windrose-expert-worker", "test");
  AddWorkerSettings(parser, parsed.config);
  std::ostringstream out;
  std::ostringstream error;
  parsed.exit_code = parser.Parse(
      arguments, [](const std::string&) { return std::nullopt; }, out, error);
  parsed.error = error.str();
  return parsed;
}

std::vector<uint32_t> Numbers(const StatusOr<std::vector<ExpertId>>& experts) {
  std::vector<uint32_t> numbers;
  for (const ExpertId expert : *experts) numbers.push_back(expert.value());
  return numbers;
}

TEST(WorkerConfig, TakesItsFlags) {
  const Parsed parsed = Parse({"--model", "m", "--experts", "0,1", "--listen", "127.0.0.1:7203",
                               "--threads", "3", "--max-queued-rows", "9000"});
  ASSERT_FALSE(parsed.exit_code.has_value()) << parsed.error;
  EXPECT_EQ(parsed.config.model, "m");
  EXPECT_EQ(parsed.config.listen, "127.0.0.1:7203");
  EXPECT_EQ(parsed.config.compute.threads, 3U);
  EXPECT_EQ(parsed.config.max_queued_rows, 9000U);
}

TEST(WorkerConfig, WantsAModel) {
  const Parsed parsed = Parse({});
  EXPECT_EQ(parsed.exit_code, kExitConfig);
  EXPECT_THAT(parsed.error, HasSubstr("--model"));
}

TEST(WorkerConfig, RefusesClearTextOffLoopbackUnlessTold) {
  EXPECT_EQ(Parse({"--model", "m", "--listen", "0.0.0.0:7100"}).exit_code, kExitConfig);
  EXPECT_EQ(Parse({"--model", "m", "--admin-listen", "10.0.0.1:7101"}).exit_code, kExitConfig);
  EXPECT_FALSE(Parse({"--model", "m", "--listen", "0.0.0.0:7100", "--insecure-internal"})
                   .exit_code.has_value());
}

TEST(WorkerConfig, RefusesAQueueSmallerThanACall) {
  const Parsed parsed = Parse({"--model", "m", "--max-rows", "100", "--max-queued-rows", "99"});
  EXPECT_EQ(parsed.exit_code, kExitConfig);
  EXPECT_THAT(parsed.error, HasSubstr("--max-queued-rows"));
}

TEST(ParseExperts, ReadsNumbersRangesAndAll) {
  EXPECT_THAT(Numbers(ParseExperts("all", 4)), testing::ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Numbers(ParseExperts("3", 4)), testing::ElementsAre(3));
  EXPECT_THAT(Numbers(ParseExperts("6,0-2,4", 8)), testing::ElementsAre(0, 1, 2, 4, 6));
}

TEST(ParseExperts, RefusesWhatIsNoSetOfExperts) {
  for (const char* text : {"", "8", "-1", "1,", ",1", "1,1", "0-2,2", "3-1", "a", "1 ", "0-8",
                           "99999999999", "1-", "0x1", "+1"}) {
    EXPECT_EQ(ParseExperts(text, 8).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace windrose
