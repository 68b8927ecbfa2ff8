#include "expert-worker/exec/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/unit/expert-worker/exec/calls.h"

namespace windrose {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kNow = TimePoint(Seconds(100));

WorkQueueLimits Limits() {
  return {.max_rows = 100, .max_calls = 8, .max_batch_rows = 50, .turn_rows = 10};
}

// (caller, rows) of each call, in order.
std::vector<std::pair<uint64_t, uint32_t>> Shape(const std::vector<AcceptedCall>& calls) {
  std::vector<std::pair<uint64_t, uint32_t>> shape;
  for (const AcceptedCall& call : calls) shape.emplace_back(call.caller.value(), call.row_count());
  return shape;
}

uint32_t LayerOf(const WorkBatch& batch) { return batch.calls.at(0).frame.header.layer.value(); }

using P = std::pair<uint64_t, uint32_t>;

TEST(WorkQueue, GivesNothingWhenNothingWaits) {
  WorkQueue queue(Limits());
  EXPECT_TRUE(queue.Pop(kNow).empty());
}

TEST(WorkQueue, ServesTheOldestFirst) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 7, 2)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 3, 2)).ok());
  EXPECT_EQ(LayerOf(queue.Pop(kNow)), 7U);
  EXPECT_EQ(LayerOf(queue.Pop(kNow)), 3U);
  EXPECT_TRUE(queue.Pop(kNow).empty());
}

TEST(WorkQueue, ServesTheOldestOfOneCoordinatorFirst) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 7, 2)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(1, 3, 2)).ok());
  EXPECT_EQ(LayerOf(queue.Pop(kNow)), 7U);
  EXPECT_EQ(LayerOf(queue.Pop(kNow)), 3U);
}

TEST(WorkQueue, MergesEverythingThatWaitsForTheLayer) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 7, 2)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 3, 4)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(3, 7, 5)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(1, 7, 6)).ok());
  EXPECT_EQ(queue.waiting_rows(), 17U);
  const WorkBatch batch = queue.Pop(kNow);
  EXPECT_EQ(LayerOf(batch), 7U);
  EXPECT_THAT(Shape(batch.calls), testing::UnorderedElementsAre(P(1, 2), P(3, 5), P(1, 6)));
  EXPECT_EQ(queue.waiting_rows(), 4U);
  EXPECT_EQ(queue.waiting_calls(), 1U);
}

TEST(WorkQueue, CallsThatWantAnotherArithmeticGoInAPassOfTheirOwn) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 7, 2)).ok());
  AcceptedCall other = MakeCall(2, 7, 4);
  other.frame.header.order = Bf16Order::kBlocks;
  ASSERT_TRUE(queue.Push(std::move(other)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(3, 7, 5)).ok());
  EXPECT_THAT(Shape(queue.Pop(kNow).calls), testing::UnorderedElementsAre(P(1, 2), P(3, 5)));
  EXPECT_THAT(Shape(queue.Pop(kNow).calls), testing::ElementsAre(P(2, 4)));
}

TEST(WorkQueue, RefusesTheRowAboveTheLimitAndLeavesTheCall) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 60)).ok());
  AcceptedCall too_much = MakeCall(2, 0, 41);
  EXPECT_EQ(queue.Push(std::move(too_much)).code(), StatusCode::kResourceExhausted);
  // NOLINTNEXTLINE(bugprone-use-after-move): that it is still there.
  EXPECT_EQ(too_much.row_count(), 41U);
  EXPECT_TRUE(queue.Push(MakeCall(2, 0, 40)).ok());
  EXPECT_EQ(queue.waiting_rows(), 100U);
  EXPECT_EQ(queue.Push(MakeCall(3, 0, 1)).code(), StatusCode::kResourceExhausted);
}

TEST(WorkQueue, RefusesACallThatNoEmptyQueueHolds) {
  WorkQueue queue(Limits());
  EXPECT_EQ(queue.Push(MakeCall(1, 0, 101)).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(queue.Push(MakeCall(1, 0, 100)).ok());
}

TEST(WorkQueue, RefusesTheCallAboveTheLimit) {
  WorkQueue queue(Limits());
  for (int call = 0; call < 8; ++call) ASSERT_TRUE(queue.Push(MakeCall(1, 0, 1)).ok());
  EXPECT_EQ(queue.Push(MakeCall(1, 0, 1)).code(), StatusCode::kResourceExhausted);
  queue.Pop(kNow);
  EXPECT_TRUE(queue.Push(MakeCall(1, 0, 1)).ok());
}

TEST(WorkQueue, RowCountsNearTheEndOfTheirTypeDoNotWrapAround) {
  WorkQueue queue({.max_rows = 0xFFFFFFFF, .max_calls = 8, .max_batch_rows = 50, .turn_rows = 1});
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 3)).ok());
  EXPECT_TRUE(queue.Push(MakeCall(1, 0, 3)).ok());
  EXPECT_EQ(Shape(queue.Pop(kNow).calls).size(), 2U);
}

TEST(WorkQueue, NeverGivesOutACallWhoseTimeIsOver) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 2, kNow - Microseconds(1))).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 0, 3, kNow)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(3, 0, 4, kNow + Microseconds(1))).ok());
  const WorkBatch batch = queue.Pop(kNow);
  EXPECT_THAT(Shape(batch.expired), ElementsAre(P(1, 2), P(2, 3)));
  EXPECT_THAT(Shape(batch.calls), ElementsAre(P(3, 4)));
  EXPECT_EQ(queue.waiting_rows(), 0U);
}

TEST(WorkQueue, ReportsExpiredCallsWhenNothingElseWaits) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 2, kNow)).ok());
  const WorkBatch batch = queue.Pop(kNow);
  EXPECT_FALSE(batch.empty());
  EXPECT_THAT(batch.calls, IsEmpty());
}

TEST(WorkQueue, FullBatchIsSharedByAllCoordinators) {
  WorkQueue queue(Limits());
  for (int call = 0; call < 4; ++call) ASSERT_TRUE(queue.Push(MakeCall(1, 0, 15)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 0, 15)).ok());
  // 50 rows: two of the first coordinator, the one of the second.
  EXPECT_THAT(Shape(queue.Pop(kNow).calls),
              testing::UnorderedElementsAre(P(1, 15), P(2, 15), P(1, 15)));
}

TEST(WorkQueue, CallLargerThanABatchGoesAlone) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 80)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 0, 1)).ok());
  EXPECT_THAT(Shape(queue.Pop(kNow).calls), ElementsAre(P(1, 80)));
  EXPECT_THAT(Shape(queue.Pop(kNow).calls), ElementsAre(P(2, 1)));
}

TEST(WorkQueue, CallLargerThanABatchJoinsNoOther) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 1)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 0, 80)).ok());
  EXPECT_THAT(Shape(queue.Pop(kNow).calls), ElementsAre(P(1, 1)));
  EXPECT_THAT(Shape(queue.Pop(kNow).calls), ElementsAre(P(2, 80)));
}

TEST(WorkQueue, FillsABatchToItsLastRow) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 20)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 0, 30)).ok());
  EXPECT_EQ(queue.Pop(kNow).calls.size(), 2U);
}

// A coordinator that fills the queue with calls of many layers delays another's by about one turn.
TEST(WorkQueue, BusyCoordinatorDoesNotKeepAnotherFromItsTurn) {
  WorkQueue queue(Limits());
  for (uint32_t layer = 0; layer < 7; ++layer) ASSERT_TRUE(queue.Push(MakeCall(1, layer, 10)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 20, 10)).ok());
  size_t before = 0;
  while (LayerOf(queue.Pop(kNow)) != 20) ++before;
  EXPECT_LE(before, 1U);
}

TEST(WorkQueue, CreditIsInRowsNotInCalls) {
  WorkQueue queue({.max_rows = 1000, .max_calls = 100, .max_batch_rows = 50, .turn_rows = 10});
  for (uint32_t layer = 0; layer < 10; ++layer) {
    ASSERT_TRUE(queue.Push(MakeCall(1, layer, 40)).ok());       // large
    ASSERT_TRUE(queue.Push(MakeCall(2, 50 + layer, 10)).ok());  // small
  }
  uint32_t rows_of_one = 0;
  uint32_t rows_of_two = 0;
  while (rows_of_two < 100) {
    for (const AcceptedCall& call : queue.Pop(kNow).calls) {
      (call.caller == CallerId(1) ? rows_of_one : rows_of_two) += call.row_count();
    }
  }
  EXPECT_NEAR(rows_of_one, rows_of_two, 50);
}

TEST(WorkQueue, KeepsTheOrderOfOneCoordinatorsCallsForALayer) {
  WorkQueue queue(Limits());
  for (uint32_t rows = 1; rows <= 5; ++rows) ASSERT_TRUE(queue.Push(MakeCall(1, 4, rows)).ok());
  EXPECT_THAT(Shape(queue.Pop(kNow).calls),
              ElementsAre(P(1, 1), P(1, 2), P(1, 3), P(1, 4), P(1, 5)));
}

TEST(WorkQueue, DropForgetsOneCoordinatorOnly) {
  WorkQueue queue(Limits());
  ASSERT_TRUE(queue.Push(MakeCall(1, 0, 2)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(2, 0, 3)).ok());
  ASSERT_TRUE(queue.Push(MakeCall(1, 5, 4)).ok());
  EXPECT_EQ(queue.Drop(CallerId(1)), 2U);
  EXPECT_EQ(queue.Drop(CallerId(9)), 0U);
  EXPECT_EQ(queue.waiting_rows(), 3U);
  EXPECT_THAT(Shape(queue.Pop(kNow).calls), ElementsAre(P(2, 3)));
  EXPECT_TRUE(queue.Pop(kNow).empty());
}

}  // namespace
}  // namespace windrose
