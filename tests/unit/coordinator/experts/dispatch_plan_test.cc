#include "coordinator/experts/dispatch_plan.h"

#include <vector>

#include "gtest/gtest.h"

namespace windrose {
namespace {

constexpr ExpertSize kExpert{.weights = 176'160'768, .weight_bytes = 99'090'432};

TEST(PlanDispatch, CoversEveryPairExactlyOnce) {
  GateOutput gate{.top_k = 2, .experts = {}, .weights = {}};
  for (const uint32_t expert : {3U, 0U, 0U, 2U, 2U, 3U}) gate.experts.emplace_back(expert);
  const Placement placement{
      .epoch = 9, .holders = {{WorkerId(0)}, {}, {WorkerId(1)}, {WorkerId(0), WorkerId(1)}}};
  const DispatchPlan plan =
      PlanDispatch(GroupByExpert(gate, 4), placement, std::vector<double>(2), CostsOf(kExpert), 0);
  std::vector<int> seen(6);
  for (const WorkerShare& share : plan.shares) {
    for (const PlanSegment& segment : share.segments) {
      for (const uint32_t pair : segment.pairs) {
        ++seen[pair];
        EXPECT_EQ(gate.experts[pair], segment.expert);
      }
    }
  }
  EXPECT_EQ(seen, std::vector<int>(6, 1));
  EXPECT_TRUE(plan.unplaced.empty());
  EXPECT_EQ(plan.epoch, 9U);
}

// A worker that dies may have had an expert's pairs in two calls; a frame names an expert once.
TEST(PlanDispatch, JoinsWhatWasTakenBackFromSeveralCalls) {
  const Placement placement{.epoch = 1, .holders = {{}, {WorkerId(0)}}};
  const DispatchPlan plan = PlanDispatch(
      {{ExpertId(1), {5, 7}}, {ExpertId(0), {1}}, {ExpertId(1), {2}}, {ExpertId(0), {0}}},
      placement, std::vector<double>(1), CostsOf(kExpert), 0);
  ASSERT_EQ(plan.shares.size(), 1U);
  ASSERT_EQ(plan.shares[0].segments.size(), 1U);
  EXPECT_EQ(plan.shares[0].segments[0].pairs, (std::vector<uint32_t>{2, 5, 7}));
  ASSERT_EQ(plan.unplaced.size(), 1U);
  EXPECT_EQ(plan.unplaced[0].pairs, (std::vector<uint32_t>{0, 1}));
}

}  // namespace
}  // namespace windrose
