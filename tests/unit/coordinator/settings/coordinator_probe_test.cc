#include "coordinator/coordinator_probe.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace windrose {
namespace {

class CoordinatorProbeTest : public testing::Test {
 protected:
  bool Says(const std::string& series, const std::string& value) {
    const std::string line = std::string("\nwindrose_coordinator_")
                                 .append(series)
                                 .append(" ")
                                 .append(value)
                                 .append("\n");
    return std::string("\n").append(registry_.Text()).find(line) != std::string::npos;
  }

  MetricRegistry registry_;
  ManualClock clock_{TimePoint(), 1700000000};
  CoordinatorProbe probe_{registry_, clock_, {2, 2, 8, 16}, nullptr};
};

TEST_F(CoordinatorProbeTest, HasEverySeriesOfTheGateFromTheStart) {
  for (const char* layer : {"0", "1"}) {
    EXPECT_TRUE(
        Says(std::string("expert_assignments_total{expert=\"1\",layer=\"") + layer + "\"}", "0"))
        << registry_.Text();
  }
  EXPECT_TRUE(Says("kv_cache_info{block_size=\"16\",num_blocks=\"8\"}", "1"));
}

TEST_F(CoordinatorProbeTest, FollowsCumulativeNumbersAcrossSteps) {
  std::vector<uint64_t> assignments = {3, 1, 0, 4};
  const std::vector<double> weights = {2.0, 0.5, 0.0, 1.5};
  const std::vector<uint32_t> rows = {3, 5};
  StepReport report{
      .rows = 4, .assignments = assignments, .gate_weights = weights, .expert_rows = rows};
  probe_.OnStep(report);
  assignments[0] = 10;
  probe_.OnStep(report);
  EXPECT_TRUE(Says("expert_assignments_total{expert=\"0\",layer=\"0\"}", "10"));
  EXPECT_TRUE(Says("expert_assignments_total{expert=\"1\",layer=\"1\"}", "4"));
  EXPECT_TRUE(Says("expert_gate_weight_total{expert=\"1\",layer=\"0\"}", "0.5"));
  EXPECT_TRUE(Says("last_step_timestamp_seconds", "1700000000"));
  EXPECT_TRUE(Says("step_tokens_sum{phase=\"decode\"}", "8"));
}

TEST_F(CoordinatorProbeTest, TellsTheLoad) {
  probe_.OnLoad(
      {.running = 3, .waiting = 2, .kv_blocks_used = 2, .kv_blocks_total = 8, .preemptions = 5});
  EXPECT_TRUE(Says("requests_running", "3"));
  EXPECT_TRUE(Says("requests_waiting", "2"));
  EXPECT_TRUE(Says("kv_cache_usage_ratio", "0.25"));
  EXPECT_TRUE(Says("kv_cache_blocks{state=\"free\"}", "6"));
  EXPECT_TRUE(Says("preemptions_total{reason=\"kv_full\"}", "5"));
}

TEST_F(CoordinatorProbeTest, CountsEveryGeneratedTokenOnce) {
  probe_.OnToken(Milliseconds(10));
  probe_.OnToken(Milliseconds(10));
  probe_.OnRequestEnd({.outcome = "stop",
                       .prompt_tokens = 7,
                       .generated_tokens = 3,
                       .first_token = Milliseconds(20),
                       .total = Milliseconds(50)});
  EXPECT_TRUE(Says("generated_tokens_total", "3"));
  EXPECT_TRUE(Says("prompt_tokens_total", "7"));
  EXPECT_TRUE(Says("requests_finished_total{finish_reason=\"stop\"}", "1"));
  probe_.OnRequestEnd({.outcome = "abort"});  // never scheduled
  EXPECT_TRUE(Says("generated_tokens_total", "3"));
  EXPECT_TRUE(Says("time_to_first_token_seconds_count", "1"));
}

TEST_F(CoordinatorProbeTest, FollowsWorkersAndReplicas) {
  DispatchStats stats;
  stats.replicas_ready = {2, 0};
  stats.failovers = {0, 3};
  stats.workers.push_back({.address = "127.0.0.1:7100",
                           .up = true,
                           .overdue = 1,
                           .bytes_sent = 100,
                           .round_trips = Milliseconds(8),
                           .replies = 4});
  probe_.OnDispatch(stats);
  probe_.OnDispatch(stats);
  EXPECT_TRUE(Says("expert_replicas_ready{expert=\"1\"}", "0"));
  EXPECT_TRUE(Says("expert_failovers_total{expert=\"1\"}", "3"));
  EXPECT_TRUE(Says("expert_rpc_total{code=\"ok\",worker=\"127.0.0.1:7100\"}", "4"));
  EXPECT_TRUE(Says("expert_rpc_total{code=\"overdue\",worker=\"127.0.0.1:7100\"}", "1"));
  EXPECT_TRUE(Says("expert_rpc_seconds_count{worker=\"127.0.0.1:7100\"}", "1"));
  EXPECT_TRUE(Says("worker_up{worker=\"127.0.0.1:7100\"}", "1"));
}

// Pods have new addresses each time: an alarm for those that are down must not ring for the old
// ones.
TEST_F(CoordinatorProbeTest, ShowsNothingOfAWorkerThatIsNoMore) {
  DispatchStats stats;
  stats.workers.push_back({.address = "10.0.0.1:7100", .up = true, .replies = 4});
  stats.workers.push_back({.address = "10.0.0.2:7100", .up = true, .replies = 1});
  probe_.OnDispatch(stats);
  stats.workers[0] = WorkerStats();
  probe_.OnDispatch(stats);
  EXPECT_EQ(registry_.Text().find("10.0.0.1"), std::string::npos) << registry_.Text();
  EXPECT_TRUE(Says("worker_up{worker=\"10.0.0.2:7100\"}", "1"));
  stats.workers[0] = {.address = "10.0.0.1:7100", .up = true, .replies = 2};
  probe_.OnDispatch(stats);
  EXPECT_TRUE(Says("expert_rpc_total{code=\"ok\",worker=\"10.0.0.1:7100\"}", "2"));
}

TEST_F(CoordinatorProbeTest, CountsCallsByMethodAndCode) {
  probe_.OnCallEnded("Generate", StatusCode::kOk, Milliseconds(1));
  probe_.OnCallEnded("Generate", StatusCode::kOk, Milliseconds(1));
  probe_.OnCallEnded("Tokenize", StatusCode::kInvalidArgument, Milliseconds(1));
  EXPECT_TRUE(Says("grpc_requests_total{code=\"OK\",method=\"Generate\"}", "2"));
  EXPECT_TRUE(Says("grpc_requests_total{code=\"INVALID_ARGUMENT\",method=\"Tokenize\"}", "1"));
}

}  // namespace
}  // namespace windrose
