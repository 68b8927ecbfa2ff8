#include "cli/cluster/expert_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace windrose::cli {
namespace {

std::vector<ExpertId> Experts(std::initializer_list<uint32_t> values) {
  std::vector<ExpertId> experts;
  for (const uint32_t value : values) experts.emplace_back(value);
  return experts;
}

TEST(ExpertChain, PutsCopiesOnNeighbours) {
  const auto experts = ChainExperts(8, 4, 2);
  ASSERT_TRUE(experts.ok());
  EXPECT_EQ((*experts)[0], Experts({0, 3, 4, 7}));
  EXPECT_EQ((*experts)[1], Experts({0, 1, 4, 5}));
  EXPECT_EQ((*experts)[2], Experts({1, 2, 5, 6}));
  EXPECT_EQ((*experts)[3], Experts({2, 3, 6, 7}));
}

TEST(ExpertChain, OneWorkerHoldsAll) {
  const auto experts = ChainExperts(8, 1, 1);
  ASSERT_TRUE(experts.ok());
  EXPECT_EQ(experts->front(), Experts({0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(ExpertChain, EveryExpertHasItsCopiesAndNoWorkerIsIdle) {
  for (uint32_t workers = 1; workers <= 24; ++workers) {
    for (uint32_t replication = 1; replication <= workers; ++replication) {
      const auto experts = ChainExperts(8, workers, replication);
      if (workers > 8 * replication) {
        EXPECT_EQ(experts.status().code(), StatusCode::kInvalidArgument);
        continue;
      }
      ASSERT_TRUE(experts.ok()) << workers << " workers, " << replication << " copies";
      std::map<ExpertId, uint32_t> copies;
      for (const auto& of_worker : *experts) {
        EXPECT_FALSE(of_worker.empty()) << workers << " workers, " << replication << " copies";
        // Sorted and without a second copy on the same worker.
        EXPECT_EQ(std::adjacent_find(of_worker.begin(), of_worker.end(), std::greater_equal<>()),
                  of_worker.end());
        for (const ExpertId expert : of_worker) ++copies[expert];
      }
      ASSERT_EQ(copies.size(), 8U);
      for (const auto& [expert, count] : copies) EXPECT_EQ(count, replication);
    }
  }
}

TEST(ExpertChain, RefusesCountsThatCannotBe) {
  EXPECT_FALSE(ChainExperts(0, 4, 2).ok());
  EXPECT_FALSE(ChainExperts(8, 0, 1).ok());
  EXPECT_FALSE(ChainExperts(8, 4, 0).ok());
  EXPECT_FALSE(ChainExperts(8, 2, 3).ok());
  EXPECT_FALSE(ChainExperts(8, 9, 1).ok());
}

}  // namespace
}  // namespace windrose::cli
