#include "coordinator/experts/replica_balance.h"

#include <algorithm>
#include <set>
#include <vector>

#include "common/base/random.h"
#include "gtest/gtest.h"

namespace windrose {
namespace {

using Parts = std::vector<std::vector<DemandPart>>;

constexpr ShareCosts kCosts{.weight_read = 4, .frame = 0.05};

// The expert of Mixtral 8x7B in q4, q8 and bf16.
constexpr uint64_t kWeights = 176'160'768;
constexpr ExpertSize kLarge[] = {{.weights = kWeights, .weight_bytes = kWeights / 16 * 9},
                                 {.weights = kWeights, .weight_bytes = kWeights / 16 * 17},
                                 {.weights = kWeights, .weight_bytes = 2 * kWeights}};
// 256 inputs, 256 wide, bf16.
constexpr ExpertSize kSmall{.weights = 196'608, .weight_bytes = 393'216};

std::vector<WorkerId> Workers(uint32_t count) {
  std::vector<WorkerId> workers;
  for (uint32_t index = 0; index < count; ++index) workers.emplace_back(index);
  return workers;
}

Parts Share(const std::vector<ExpertDemand>& demands, std::vector<double> load) {
  return ShareOut(demands, std::move(load), kCosts, 0);
}

// When each worker is done, in rows.
std::vector<double> Finish(const Parts& parts, std::vector<double> load) {
  for (const std::vector<DemandPart>& of_demand : parts) {
    for (const DemandPart& part : of_demand) {
      load[part.worker.value()] += kCosts.weight_read + static_cast<double>(part.rows);
    }
  }
  return load;
}

std::set<WorkerId> Asked(const Parts& parts) {
  std::set<WorkerId> asked;
  for (const std::vector<DemandPart>& of_demand : parts) {
    for (const DemandPart& part : of_demand) asked.insert(part.worker);
  }
  return asked;
}

size_t RowsOf(const std::vector<DemandPart>& parts) {
  size_t rows = 0;
  for (const DemandPart& part : parts) rows += part.rows;
  return rows;
}

TEST(ReplicaBalance, GivesTheTwoExpertsOfARowToTwoWorkers) {
  const std::vector<WorkerId> both = Workers(2);
  for (const ExpertSize& size : kLarge) {
    for (uint32_t a = 0; a < 8; ++a) {
      for (uint32_t b = a + 1; b < 8; ++b) {
        const Parts parts = ShareOut({{ExpertId(a), 1, both}, {ExpertId(b), 1, both}}, {0, 0},
                                     CostsOf(size), a + b);
        EXPECT_NE(parts[0].at(0).worker, parts[1].at(0).worker) << a << " and " << b;
      }
    }
  }
}

TEST(ReplicaBalance, LetsAnExpertComeHomeWhenAllAreFree) {
  const std::vector<WorkerId> workers = Workers(4);
  for (uint32_t expert = 0; expert < 8; ++expert) {
    const Parts parts = Share({{ExpertId(expert), 3, workers}}, {0, 0, 0, 0});
    ASSERT_EQ(parts[0].size(), 1U);
    EXPECT_EQ(parts[0][0].worker, WorkerId(expert % 4));
  }
}

TEST(ReplicaBalance, CountsWhatWorkersHaveToDoAlready) {
  const std::vector<WorkerId> both = Workers(2);
  EXPECT_EQ(Share({{ExpertId(0), 1, both}}, {50, 0})[0].at(0).worker, WorkerId(1));
  EXPECT_EQ(Share({{ExpertId(1), 1, both}}, {0, 50})[0].at(0).worker, WorkerId(0));
}

TEST(ReplicaBalance, SharesAHotExpertOnlyWhenItsRowsAreWorthReadingItTwice) {
  const std::vector<WorkerId> both = Workers(2);
  const Parts many = Share({{ExpertId(0), 100, both}}, {0, 0});
  ASSERT_EQ(many[0].size(), 2U);
  EXPECT_EQ(RowsOf(many[0]), 100U);
  const std::vector<double> finish = Finish(many, {0, 0});
  EXPECT_NEAR(finish[0], finish[1], 1);
  EXPECT_EQ(Share({{ExpertId(0), 6, both}}, {0, 0})[0].size(), 1U);
}

TEST(ReplicaBalance, SharesAHotExpertAmongOthersThanTheOneThatIsBusy) {
  const std::vector<WorkerId> workers = Workers(3);
  const Parts parts = Share({{ExpertId(0), 100, workers}}, {500, 0, 0});
  EXPECT_EQ(Asked(parts), (std::set{WorkerId(1), WorkerId(2)}));
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
      total += kCosts.weight_read + static_cast<double>(demands.back().rows);
    }
    const std::vector<double> idle(worker_count);
    const Parts parts = Share(demands, idle);
    for (size_t demand = 0; demand < demands.size(); ++demand) {
      EXPECT_EQ(RowsOf(parts[demand]), demands[demand].rows);
    }
    const std::vector<double> finish = Finish(parts, idle);
    EXPECT_LE(*std::max_element(finish.begin(), finish.end()),
              total / worker_count + 4 * kCosts.weight_read)
        << "round " << round;
  }
}

TEST(ReplicaBalance, AsksHoldersOnly) {
  const std::vector<WorkerId> first{WorkerId(0), WorkerId(1)};
  const std::vector<WorkerId> last{WorkerId(2)};
  for (const ExpertSize& size : {kLarge[0], kSmall}) {
    const Parts parts = ShareOut({{ExpertId(0), 40, first}, {ExpertId(1), 400, last}},
                                 std::vector<double>(3), CostsOf(size), 0);
    for (const DemandPart& part : parts[0]) EXPECT_LT(part.worker, WorkerId(2));
    ASSERT_EQ(parts[1].size(), 1U);
    EXPECT_EQ(parts[1][0].worker, WorkerId(2));
  }
}

TEST(ReplicaBalance, SmallExpertsOfARowGoInOneFrame) {
  const std::vector<WorkerId> workers = Workers(4);
  for (uint32_t a = 0; a < 8; ++a) {
    for (uint32_t b = a + 1; b < 8; ++b) {
      const Parts parts = ShareOut({{ExpertId(a), 1, workers}, {ExpertId(b), 1, workers}},
                                   std::vector<double>(4), CostsOf(kSmall), a);
      EXPECT_EQ(Asked(parts).size(), 1U) << a << " and " << b;
    }
  }
}

TEST(ReplicaBalance, WorkersTakeTurnsAtSmallExperts) {
  const std::vector<WorkerId> both = Workers(2);
  std::vector<int> frames(2);
  for (uint64_t turn = 0; turn < 100; ++turn) {
    const Parts parts =
        ShareOut({{ExpertId(0), 1, both}, {ExpertId(1), 1, both}}, {0, 0}, CostsOf(kSmall), turn);
    ASSERT_EQ(parts[0].at(0).worker, parts[1].at(0).worker);
    ++frames[parts[0][0].worker.value()];
  }
  EXPECT_EQ(frames, (std::vector<int>{50, 50}));
}

TEST(ReplicaBalance, ManyRowsOfSmallExpertsAreWorthFurtherFrames) {
  const std::vector<WorkerId> both = Workers(2);
  std::vector<ExpertDemand> demands;
  for (uint32_t expert = 0; expert < 8; ++expert) demands.push_back({ExpertId(expert), 64, both});
  EXPECT_EQ(Asked(ShareOut(demands, {0, 0}, CostsOf(kSmall), 0)).size(), 2U);
  const ExpertDemand hot{ExpertId(3), 512, both};
  EXPECT_EQ(ShareOut({hot}, {0, 0}, CostsOf(kSmall), 0)[0].size(), 2U);
}

TEST(ReplicaBalance, LeavesAWorkerOutWhoseRowsOthersComputeJustAsSoon) {
  const std::vector<WorkerId> workers = Workers(3);
  const Parts parts =
      Share({{ExpertId(0), 9, workers}, {ExpertId(1), 1, workers}, {ExpertId(2), 1, workers}},
            std::vector<double>(3));
  EXPECT_EQ(Asked(parts).size(), 2U);
  EXPECT_EQ(parts[1].at(0).worker, parts[2].at(0).worker);
}

TEST(ReplicaBalance, OneFrameWhereOnlyOneWorkerHoldsAll) {
  const std::vector<WorkerId> both{WorkerId(0), WorkerId(1)};
  const std::vector<WorkerId> second{WorkerId(1)};
  for (uint64_t turn = 0; turn < 2; ++turn) {
    const Parts parts =
        ShareOut({{ExpertId(0), 1, both}, {ExpertId(1), 1, second}}, {0, 0}, CostsOf(kSmall), turn);
    EXPECT_EQ(Asked(parts), std::set{WorkerId(1)});
  }
}

}  // namespace
}  // namespace windrose
