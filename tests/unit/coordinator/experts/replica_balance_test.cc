#include "coordinator/experts/replica_balance.h"

#include <algorithm>
#include <vector>

#include "common/base/random.h"
#include "gtest/gtest.h"

namespace windrose {
namespace {

using Parts = std::vector<std::vector<DemandPart>>;

std::vector<WorkerId> Workers(uint32_t count) {
  std::vector<WorkerId> workers;
  for (uint32_t index = 0; index < count; ++index) workers.emplace_back(index);
  return workers;
}

// When each worker is done, in rows.
std::vector<double> Finish(const Parts& parts, std::vector<double> load) {
  for (const std::vector<DemandPart>& of_demand : parts) {
    for (const DemandPart& part : of_demand) {
      load[part.worker.value()] += kWeightReadRows + static_cast<double>(part.rows);
    }
  }
  return load;
}

TEST(ReplicaBalance, GivesTheTwoExpertsOfARowToTwoWorkers) {
  const std::vector<WorkerId> both = Workers(2);
  for (uint32_t a = 0; a < 8; ++a) {
    for (uint32_t b = a + 1; b < 8; ++b) {
      const Parts parts = ShareOut({{ExpertId(a), 1, both}, {ExpertId(b), 1, both}}, {0, 0});
      EXPECT_NE(parts[0].at(0).worker, parts[1].at(0).worker) << a << " and " << b;
    }
  }
}

TEST(ReplicaBalance, LetsAnExpertComeHomeWhenAllAreFree) {
  const std::vector<WorkerId> workers = Workers(4);
  for (uint32_t expert = 0; expert < 8; ++expert) {
    const Parts parts = ShareOut({{ExpertId(expert), 3, workers}}, {0, 0, 0, 0});
    ASSERT_EQ(parts[0].size(), 1U);
    EXPECT_EQ(parts[0][0].worker, WorkerId(expert % 4));
  }
}

TEST(ReplicaBalance, CountsWhatWorkersHaveToDoAlready) {
  const std::vector<WorkerId> both = Workers(2);
  EXPECT_EQ(ShareOut({{ExpertId(0), 1, both}}, {50, 0})[0].at(0).worker, WorkerId(1));
  EXPECT_EQ(ShareOut({{ExpertId(1), 1, both}}, {0, 50})[0].at(0).worker, WorkerId(0));
}

TEST(ReplicaBalance, SharesAHotExpertOnlyWhenItsRowsAreWorthReadingItTwice) {
  const std::vector<WorkerId> both = Workers(2);
  const Parts many = ShareOut({{ExpertId(0), 100, both}}, {0, 0});
  ASSERT_EQ(many[0].size(), 2U);
  EXPECT_EQ(many[0][0].rows + many[0][1].rows, 100U);
  const std::vector<double> finish = Finish(many, {0, 0});
  EXPECT_NEAR(finish[0], finish[1], 1);
  EXPECT_EQ(ShareOut({{ExpertId(0), 6, both}}, {0, 0})[0].size(), 1U);
}

TEST(ReplicaBalance, NeverLeavesAWorkerLateThatCouldHaveGivenRowsAway) {
  constexpr uint64_t kSeed = 7;
  for (uint64_t round = 0; round < 500; ++round) {
    const auto worker_count = static_cast<uint32_t>(2 + BitsAt(kSeed, round) % 5);
    const std::vector<WorkerId> workers = Workers(worker_count);
    std::vector<ExpertDemand> demands;
    double total = 0;
    for (uint32_t expert = 0; expert < 8; ++expert) {
      demands.push_back({ExpertId(expert), 1 + BitsAt(kSeed, round, 1 + expert) % 128, workers});
      total += kWeightReadRows + static_cast<double>(demands.back().rows);
    }
    const std::vector<double> idle(worker_count);
    const Parts parts = ShareOut(demands, idle);
    for (size_t demand = 0; demand < demands.size(); ++demand) {
      size_t rows = 0;
      for (const DemandPart& part : parts[demand]) rows += part.rows;
      EXPECT_EQ(rows, demands[demand].rows);
    }
    const std::vector<double> finish = Finish(parts, idle);
    EXPECT_LE(*std::max_element(finish.begin(), finish.end()),
              total / worker_count + 4 * kWeightReadRows)
        << "round " << round;
  }
}

TEST(ReplicaBalance, AsksHoldersOnly) {
  const std::vector<WorkerId> first{WorkerId(0), WorkerId(1)};
  const std::vector<WorkerId> last{WorkerId(2)};
  const Parts parts =
      ShareOut({{ExpertId(0), 40, first}, {ExpertId(1), 400, last}}, std::vector<double>(3));
  for (const DemandPart& part : parts[0]) EXPECT_LT(part.worker, WorkerId(2));
  ASSERT_EQ(parts[1].size(), 1U);
  EXPECT_EQ(parts[1][0].worker, WorkerId(2));
}

}  // namespace
}  // namespace windrose
