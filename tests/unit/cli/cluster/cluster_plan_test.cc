#include "cli/cluster/cluster_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

using testing::Contains;
using testing::Not;

// Gives what is wanted, and 20001, 20002, … otherwise.
class FakePorts {
 public:
  StatusOr<uint16_t> Next(uint16_t wanted) {
    if (wanted != 0 && wanted == taken) return AlreadyExists("taken");
    return wanted != 0 ? wanted : ++last_;
  }
  PortSource Source() {
    return [this](uint16_t wanted) { return Next(wanted); };
  }
  uint16_t taken = 0;

 private:
  uint16_t last_ = 20000;
};

ClusterOptions Options() {
  ClusterOptions options;
  options.model = "models/demo";
  options.program_directory = "/opt/bin";
  options.routers = 2;
  options.coordinators = 2;
  options.workers = 3;
  return options;
}

TEST(ClusterPlan, NamesEveryProcessInStartOrder) {
  FakePorts ports;
  const auto processes = PlanCluster(Options(), 8, ports.Source());
  ASSERT_TRUE(processes.ok());
  std::vector<std::string> names;
  for (const ProcessSpec& process : *processes) names.push_back(process.name);
  EXPECT_THAT(names, testing::ElementsAre("worker-0", "worker-1", "worker-2", "coordinator-0",
                                          "coordinator-1", "router-0", "router-1"));
}

TEST(ClusterPlan, GivesCoordinatorsTheWorkersAndRoutersTheCoordinators) {
  FakePorts ports;
  const auto processes = PlanCluster(Options(), 8, ports.Source());
  ASSERT_TRUE(processes.ok());
  const auto& all = *processes;
  EXPECT_THAT(all[3].arguments, Contains("--workers=127.0.0.1:" + std::to_string(all[0].port) +
                                         ",127.0.0.1:" + std::to_string(all[1].port) +
                                         ",127.0.0.1:" + std::to_string(all[2].port)));
  EXPECT_THAT(all[6].arguments, Contains("--coordinators=127.0.0.1:" + std::to_string(all[3].port) +
                                         ",127.0.0.1:" + std::to_string(all[4].port)));
}

TEST(ClusterPlan, TellsWorkersTheirExperts) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.replication = 2;
  const auto processes = PlanCluster(options, 8, ports.Source());
  ASSERT_TRUE(processes.ok());
  EXPECT_EQ(processes->front().arguments.front(), "/opt/bin/windrose-expert-worker");
  EXPECT_THAT(processes->front().arguments, Contains("--experts=0,2,3,5,6"));
  options.replication = 0;
  EXPECT_THAT(PlanCluster(options, 8, ports.Source())->front().arguments,
              Contains("--experts=0,1,2,3,4,5,6,7"));
  EXPECT_THAT(processes->front().arguments, Contains("--model=models/demo"));
}

TEST(ClusterPlan, RoutersTakeThePortsAfterTheFirst) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.port = 8080;
  options.host = "0.0.0.0";
  const auto processes = PlanCluster(options, 8, ports.Source());
  ASSERT_TRUE(processes.ok());
  EXPECT_THAT((*processes)[5].arguments, Contains("--listen=0.0.0.0:8080"));
  EXPECT_THAT((*processes)[6].arguments, Contains("--listen=0.0.0.0:8081"));
  EXPECT_EQ(UrlOf(options, (*processes)[5]), "http://127.0.0.1:8080");
}

TEST(ClusterPlan, RoutersWithoutAPortOfTheirOwnAreRefused) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.port = 65535;
  const auto beyond = PlanCluster(options, 8, ports.Source());
  EXPECT_EQ(Message(beyond.status()), "--port: wanted room for 2 routers below 65536, got 65535");
  options.port = 8080;
  options.grpc_port = 8081;
  const auto twice = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT(Message(twice.status()), testing::HasSubstr("--port and --grpc-port"));
  options.grpc_port = 8082;
  EXPECT_TRUE(PlanCluster(options, 8, ports.Source()).ok());
}

TEST(ClusterPlan, WorkersShareTheProcessorsThatACoordinatorHasAlone) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.processors = {0, 1, 2, 3, 8, 9, 10};
  options.pin = false;
  options.concurrency = 7;
  const auto processes = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT((*processes)[0].arguments, Contains("--threads=2"));
  EXPECT_THAT((*processes)[2].arguments, Contains("--threads=3"));
  EXPECT_THAT((*processes)[3].arguments, Contains("--threads=7"));
  for (const ProcessSpec& process : *processes) {
    EXPECT_THAT(process.arguments, Not(Contains(testing::StartsWith("--cpus"))));
  }
  options.threads = 5;
  const auto told = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT(told->front().arguments, Contains("--threads=5"));
  EXPECT_THAT(told->back().arguments, Not(Contains("--threads=5")));
}

TEST(ClusterPlan, StartsNoMoreThreadsThanAQuotaLetsRunAtOnce) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.processors = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  options.concurrency = 4;
  const auto processes = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT((*processes)[0].arguments, Contains("--threads=1"));
  EXPECT_THAT((*processes)[2].arguments, Contains("--threads=2"));
  EXPECT_THAT((*processes)[3].arguments, Contains("--threads=4"));
  options.concurrency = 1;
  const auto one = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT((*one)[0].arguments, Contains("--threads=1"));
  EXPECT_THAT((*one)[3].arguments, Contains("--threads=1"));
}

TEST(ClusterPlan, PinsWorkersToProcessorsOfTheirOwn) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.pin = true;
  options.processors = {0, 1, 2, 3, 8, 9, 10};
  const auto processes = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT((*processes)[0].arguments, Contains("--cpus=0,1"));
  EXPECT_THAT((*processes)[1].arguments, Contains("--cpus=2,3"));
  EXPECT_THAT((*processes)[2].arguments, Contains("--cpus=8,9,10"));
  EXPECT_THAT((*processes)[3].arguments, Not(Contains(testing::StartsWith("--cpus"))));
  options.processors = {4, 5};
  const auto few = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT((*few)[2].arguments, Contains("--cpus=4"));
  EXPECT_THAT((*few)[2].arguments, Contains("--threads=1"));
}

TEST(ClusterPlan, PinsUntoldWhereSeveralWorkersHaveAProcessorEach) {
  FakePorts ports;
  const auto pinned = [&](const ClusterOptions& options) {
    const auto processes = PlanCluster(options, 8, ports.Source());
    return testing::Matches(Contains("--cpus=0"))((*processes)[0].arguments);
  };
  ClusterOptions options = Options();
  options.processors = {0, 1, 2};
  options.concurrency = 3;
  EXPECT_TRUE(pinned(options));
  options.concurrency = 2;
  EXPECT_FALSE(pinned(options));
  options.processors = {0, 1};
  EXPECT_FALSE(pinned(options));
  options.workers = 2;
  EXPECT_TRUE(pinned(options));
  options.workers = 1;
  EXPECT_FALSE(pinned(options));
  options.workers = 2;
  options.worker_arguments = {"--cpus=0-1"};
  EXPECT_FALSE(pinned(options));
}

TEST(ClusterPlan, CoordinatorsOfOneMachineTakeWhatSuitsIt) {
  FakePorts ports;
  ClusterOptions options = Options();
  const auto processes = PlanCluster(options, 8, ports.Source());
  ASSERT_TRUE(processes.ok());
  EXPECT_THAT((*processes)[0].arguments, Not(Contains("--bf16-order=auto")));  // a worker
  EXPECT_THAT((*processes)[3].arguments, Contains("--bf16-order=auto"));
  EXPECT_THAT((*processes)[4].arguments, Contains("--bf16-order=auto"));
  options.coordinator_arguments = {"--bf16-order=pairs"};
  const auto told = PlanCluster(options, 8, ports.Source());
  EXPECT_THAT((*told)[3].arguments, Not(Contains("--bf16-order=auto")));
}

TEST(ClusterPlan, AppendsTheArgumentsOfARoleToThatRoleAlone) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.coordinator_arguments = {"--max-queue=1"};
  const auto processes = PlanCluster(options, 8, ports.Source());
  ASSERT_TRUE(processes.ok());
  EXPECT_EQ((*processes)[3].arguments.back(), "--max-queue=1");
  EXPECT_THAT((*processes)[0].arguments, Not(Contains("--max-queue=1")));
  EXPECT_THAT((*processes)[5].arguments, Not(Contains("--max-queue=1")));
}

TEST(ClusterPlan, ReportsATakenPort) {
  FakePorts ports;
  ports.taken = 8081;
  EXPECT_EQ(PlanCluster(Options(), 8, ports.Source()).status().code(), StatusCode::kAlreadyExists);
}

TEST(ClusterPlan, RefusesCountsOutOfRange) {
  FakePorts ports;
  ClusterOptions options = Options();
  options.coordinators = 0;
  EXPECT_EQ(PlanCluster(options, 8, ports.Source()).status().code(), StatusCode::kInvalidArgument);
  options.coordinators = 65;
  EXPECT_EQ(PlanCluster(options, 8, ports.Source()).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace windrose::cli
