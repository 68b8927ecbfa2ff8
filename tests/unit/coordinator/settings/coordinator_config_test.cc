#include "coordinator/coordinator_config.h"

#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace windrose {
namespace {

// "accepted", or the line that refuses.
std::string Parse(std::vector<std::string> more, CoordinatorConfig& config) {
  ConfigParser parser("windrose-coordinator", "test");
  AddCoordinatorSettings(parser, config);
  std::vector<std::string> arguments = {"--model=m", "--workers=127.0.0.1:7100"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::ostringstream out;
  std::ostringstream err;
  const auto nothing = [](const std::string&) -> std::optional<std::string> {
    return std::nullopt;
  };
  const std::optional<int> exit_code = parser.Parse(arguments, nothing, out, err);
  if (!exit_code) return "accepted";
  EXPECT_EQ(*exit_code, kExitConfig);
  return err.str();
}

std::string Parse(std::vector<std::string> more) {
  CoordinatorConfig config;
  return Parse(std::move(more), config);
}

bool Names(const std::string& line, const std::string& flag) {
  return line.find(flag) != std::string::npos;
}

TEST(CoordinatorConfig, NeedsOnlyAModelAndWorkers) {
  CoordinatorConfig config;
  EXPECT_EQ(Parse({}, config), "accepted");
  EXPECT_EQ(config.listen, "127.0.0.1:7200");
  EXPECT_EQ(config.max_logprobs, 20U);
}

TEST(CoordinatorConfig, RefusesMissingOrBadAddresses) {
  EXPECT_TRUE(Names(Parse({"--workers="}), "--workers"));
  EXPECT_TRUE(Names(Parse({"--workers=127.0.0.1"}), "--workers"));
  EXPECT_TRUE(Names(Parse({"--listen=127.0.0.1:70000"}), "--listen"));
  EXPECT_TRUE(Names(Parse({"--model="}), "--model"));
}

TEST(CoordinatorConfig, RefusesClearTextBeyondLoopbackUnlessAsked) {
  EXPECT_TRUE(Names(Parse({"--listen=0.0.0.0:7200"}), "--listen"));
  EXPECT_TRUE(Names(Parse({"--admin-listen=0.0.0.0:7201"}), "--admin-listen"));
  EXPECT_EQ(Parse({"--listen=0.0.0.0:7200", "--insecure-internal"}), "accepted");
}

// Workers say something each second: less would cut every link that is idle.
TEST(CoordinatorConfig, RefusesASilenceThatHealthyWorkersKeep) {
  EXPECT_TRUE(Names(Parse({"--worker-silence=1999ms"}), "--worker-silence"));
  EXPECT_EQ(Parse({"--worker-silence=2s"}), "accepted");
}

TEST(CoordinatorConfig, RefusesTheSameAddressTwice) {
  EXPECT_TRUE(Names(Parse({"--admin-listen=127.0.0.1:7200"}), "--admin-listen"));
}

TEST(CoordinatorConfig, RefusesABatchThatCannotHoldItsParts) {
  EXPECT_TRUE(Names(Parse({"--max-batch-rows=64", "--prefill-chunk=65"}), "--prefill-chunk"));
  EXPECT_TRUE(Names(Parse({"--max-batch-rows=32", "--prefill-chunk=32", "--max-sequences=33"}),
                    "--max-sequences"));
}

TEST(CoordinatorConfig, RefusesTimesWithoutAUnitAndZeroTimes) {
  EXPECT_TRUE(Names(Parse({"--request-timeout=10"}), "request-timeout"));
  EXPECT_TRUE(Names(Parse({"--drain-timeout=0s"}), "drain-timeout"));
}

TEST(CoordinatorConfig, KeepsKeysAndValuesInAFormatItKnows) {
  CoordinatorConfig config;
  EXPECT_EQ(Parse({}, config), "accepted");
  EXPECT_EQ(config.kv_cache_type, "f32");
  EXPECT_EQ(Parse({"--kv-cache-type=bf16"}, config), "accepted");
  EXPECT_EQ(config.kv_cache_type, "bf16");
  EXPECT_EQ(Parse({"--kv-cache-type=q8"}), "accepted");
  EXPECT_TRUE(Names(Parse({"--kv-cache-type=q4"}), "--kv-cache-type"));
}

TEST(CoordinatorConfig, NamesTheModelAfterItsDirectory) {
  CoordinatorConfig config;
  config.model = "/models/mixtral-8x7b";
  EXPECT_EQ(ServedModelId(config), "mixtral-8x7b");
  config.model = "/models/mixtral-8x7b/";
  EXPECT_EQ(ServedModelId(config), "mixtral-8x7b");
  config.model = "..";
  EXPECT_EQ(ServedModelId(config), "model");
  config.model_id = "mixtral";
  EXPECT_EQ(ServedModelId(config), "mixtral");
}

}  // namespace
}  // namespace windrose
