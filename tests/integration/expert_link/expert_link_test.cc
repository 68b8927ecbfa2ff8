// A real worker and the real transport, over loopback: the ordinary course of things.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <thread>

#include "tests/integration/expert_link/running_worker.h"
#include "tests/integration/expert_link/test_coordinator.h"

namespace windrose {
namespace {

using ::testing::ElementsAre;

constexpr ExpertId kExpert(2);
constexpr LayerIndex kLayer(1);

TEST(ExpertLink, WorkerComesUpAsItDescribesItself) {
  RunningWorker worker({.experts = {5, 1}, .incarnation = 77, .max_rows = 33});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  const WorkerDescription& description = coordinator.up[WorkerId(0)];
  EXPECT_EQ(description.address, worker.address());
  EXPECT_EQ(description.incarnation, 77U);
  EXPECT_EQ(description.max_rows, 33U);
  EXPECT_THAT(description.experts, ElementsAre(ExpertId(1), ExpertId(5)));
}

TEST(ExpertLink, AnswersHaveTheBitsOfDirectComputation) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  const MixtralConfig& config = TinyModel::Get().config();
  const std::vector<float> rows = TestRows(3, 5);
  uint64_t id = 0;
  for (uint32_t layer = 0; layer < config.layers; ++layer) {
    for (uint32_t expert = 0; expert < config.experts; ++expert) {
      coordinator.Call(id++, LayerIndex(layer), ExpertId(expert), rows);
    }
  }
  ASSERT_TRUE(coordinator.AwaitReplies(id));
  for (const RecordedReply& reply : coordinator.replies) {
    ASSERT_EQ(reply.segments.at(0).status, StatusCode::kOk);
    EXPECT_EQ(reply.values, DirectOutputs(reply.header.layer, reply.segments[0].expert, rows));
  }
}

TEST(ExpertLink, AnAddressThatIsRemovedIsGone) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address(), "127.0.0.1:1"});
  ASSERT_TRUE(coordinator.AwaitUp());
  coordinator.SetAddresses({worker.address()});
  EXPECT_EQ(coordinator.gone, std::vector{WorkerId(1)}) << "though it was never up";
  coordinator.SetAddresses({});
  EXPECT_EQ(coordinator.gone, (std::vector{WorkerId(1), WorkerId(0)}));
  EXPECT_EQ(coordinator.downs.size(), 1U);
  coordinator.SetAddresses({worker.address()});
  EXPECT_TRUE(coordinator.AwaitUp());
}

TEST(ExpertLink, FramesThatAreSentTogetherAllArrive) {
  RunningWorker first({});
  RunningWorker second({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({first.address(), second.address()});
  ASSERT_TRUE(coordinator.AwaitUp(WorkerId(0)));
  ASSERT_TRUE(coordinator.AwaitUp(WorkerId(1)));
  constexpr size_t kRounds = 50;
  constexpr uint32_t kCalls = 5;
  for (uint64_t round = 0; round < kRounds; ++round) {
    coordinator.replies.clear();
    std::vector<OutgoingCall> calls;
    for (uint32_t index = 0; index < kCalls; ++index) {
      calls.push_back(TestCoordinator::MakeCall(WorkerId(index % 2), round, kLayer, ExpertId(index),
                                                TestRows(index, 2)));
    }
    coordinator.transport().SendAll(calls);
    ASSERT_TRUE(coordinator.AwaitReplies(kCalls));
    for (const RecordedReply& reply : coordinator.replies) {
      const ExpertId expert = reply.segments.at(0).expert;
      EXPECT_EQ(reply.worker, WorkerId(expert.value() % 2));
      EXPECT_EQ(reply.values, DirectOutputs(kLayer, expert, TestRows(expert.value(), 2)));
    }
  }
}

TEST(ExpertLink, NarrowRowsComeBackNarrow) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  const std::vector<float> rows = TestRows(4, 3);
  coordinator.Call(1, kLayer, kExpert, rows, wire::RowType::kBf16);
  ASSERT_TRUE(coordinator.AwaitReplies(1));
  EXPECT_EQ(coordinator.replies[0].header.type, wire::RowType::kBf16);
  const std::vector<float> wanted = DirectOutputs(kLayer, kExpert, rows);
  for (size_t index = 0; index < wanted.size(); ++index) {
    EXPECT_NEAR(coordinator.replies[0].values[index], wanted[index], 0.03F);
  }
}

TEST(ExpertLink, TwoCoordinatorsShareAWorker) {
  RunningWorker worker({.compute = false});
  TestCoordinator first;
  TestCoordinator second;
  first.SetAddresses({worker.address()});
  second.SetAddresses({worker.address()});
  ASSERT_TRUE(first.AwaitUp());
  ASSERT_TRUE(second.AwaitUp());
  const std::vector<float> rows_of_first = TestRows(5, 2);
  const std::vector<float> rows_of_second = TestRows(6, 7);
  first.Call(1, kLayer, kExpert, rows_of_first);
  second.Call(1, kLayer, kExpert, rows_of_second);
  worker.StartComputing();
  ASSERT_TRUE(first.AwaitReplies(1));
  ASSERT_TRUE(second.AwaitReplies(1));
  EXPECT_EQ(first.replies[0].values, DirectOutputs(kLayer, kExpert, rows_of_first));
  EXPECT_EQ(second.replies[0].values, DirectOutputs(kLayer, kExpert, rows_of_second));
}

TEST(ExpertLink, SameCallTwiceGivesTheSameAnswerTwice) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  const std::vector<float> rows = TestRows(8, 4);
  coordinator.Call(1, kLayer, kExpert, rows);
  coordinator.Call(1, kLayer, kExpert, rows);
  ASSERT_TRUE(coordinator.AwaitReplies(2));
  EXPECT_EQ(coordinator.replies[0].values, coordinator.replies[1].values);
}

TEST(ExpertLink, FullQueueIsAnsweredAtOnce) {
  RunningWorker worker({.max_queued_calls = 1, .compute = false});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  const std::vector<float> rows = TestRows(1, 1);
  coordinator.Call(1, kLayer, kExpert, rows);
  coordinator.Call(2, kLayer, kExpert, rows);
  ASSERT_TRUE(coordinator.AwaitReplies(1));
  EXPECT_EQ(coordinator.replies[0].header.dispatch_id, DispatchId(2));
  EXPECT_EQ(coordinator.replies[0].segments[0].status, StatusCode::kResourceExhausted);
  worker.StartComputing();
  ASSERT_TRUE(coordinator.AwaitReplies(2));
  EXPECT_EQ(coordinator.replies[1].segments[0].status, StatusCode::kOk);
}

TEST(ExpertLink, ExpertOfAnotherWorkerIsRefusedForItsSegment) {
  RunningWorker worker({.experts = {0}});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  coordinator.Call(1, kLayer, kExpert, TestRows(1, 1));
  ASSERT_TRUE(coordinator.AwaitReplies(1));
  EXPECT_EQ(coordinator.replies[0].segments[0].status, StatusCode::kFailedPrecondition);
  EXPECT_TRUE(coordinator.up.contains(WorkerId(0)));
}

TEST(ExpertLink, ActivationsThatAreNotFiniteAreRefusedAndTheLinkStays) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  std::vector<float> rows = TestRows(1, 1);
  rows.back() = std::numeric_limits<float>::quiet_NaN();
  coordinator.Call(1, kLayer, kExpert, rows);
  coordinator.Call(2, kLayer, kExpert, TestRows(1, 1));
  ASSERT_TRUE(coordinator.AwaitReplies(2));
  EXPECT_EQ(coordinator.replies[0].segments[0].status, StatusCode::kInvalidArgument);
  EXPECT_EQ(coordinator.replies[1].segments[0].status, StatusCode::kOk);
  EXPECT_TRUE(coordinator.downs.empty());
}

TEST(ExpertLink, DrainingWorkerAnswersWhatItAccepted) {
  RunningWorker worker({.compute = false});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  const std::vector<float> rows = TestRows(2, 3);
  coordinator.Call(1, kLayer, kExpert, rows);
  ASSERT_TRUE(worker.AwaitWaiting(3));
  worker.server().SetState(WorkerState::kDraining);
  ASSERT_TRUE(coordinator.Await([&] { return !coordinator.draining.empty(); }));
  EXPECT_THAT(coordinator.draining, ElementsAre(WorkerId(0)));
  EXPECT_TRUE(coordinator.downs.empty());
  worker.StartComputing();
  worker.Drain();
  ASSERT_TRUE(coordinator.AwaitDown());
  ASSERT_EQ(coordinator.replies.size(), 1U);
  EXPECT_EQ(coordinator.replies[0].values, DirectOutputs(kLayer, kExpert, rows));
}

TEST(ExpertLink, DrainingWorkerSendsAllItsAnswersBeforeItLeaves) {
  constexpr uint32_t kCalls = 250;
  constexpr uint32_t kRows = 64;
  RunningWorker worker({.compute = false});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  for (uint32_t id = 0; id < kCalls; ++id) {
    coordinator.Call(id, kLayer, kExpert, TestRows(id, kRows));
  }
  ASSERT_TRUE(worker.AwaitWaiting(kCalls * kRows));
  worker.server().SetState(WorkerState::kDraining);
  worker.StartComputing();
  std::thread draining([&] { worker.Drain(); });
  EXPECT_TRUE(coordinator.AwaitDown());
  EXPECT_EQ(coordinator.replies.size(), kCalls) << coordinator.downs.back().second;
  draining.join();
}

TEST(ExpertLink, WorkerThatLoadsIsNotUpYet) {
  RunningWorker worker({});
  worker.server().SetState(WorkerState::kLoading);
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  EXPECT_FALSE(coordinator.AwaitUp(WorkerId(0), Milliseconds(200)));
  worker.server().SetState(WorkerState::kReady);
  EXPECT_TRUE(coordinator.AwaitUp());
}

TEST(ExpertLink, AddressesAreSlotsForGood) {
  RunningWorker first({.incarnation = 1});
  RunningWorker second({.incarnation = 2});
  TestCoordinator coordinator;
  coordinator.SetAddresses({first.address(), second.address()});
  ASSERT_TRUE(coordinator.AwaitUp(WorkerId(0)));
  ASSERT_TRUE(coordinator.AwaitUp(WorkerId(1)));
  coordinator.SetAddresses({second.address()});
  EXPECT_FALSE(coordinator.up.contains(WorkerId(0)));
  EXPECT_TRUE(coordinator.up.contains(WorkerId(1)));
  coordinator.SetAddresses({second.address(), first.address()});
  ASSERT_TRUE(coordinator.AwaitUp(WorkerId(0)));
  EXPECT_EQ(coordinator.up[WorkerId(0)].incarnation, 1U);
  EXPECT_EQ(coordinator.up[WorkerId(1)].incarnation, 2U);
}

}  // namespace
}  // namespace windrose
