// What happens to the link when the worker, or what it says, is not as it should be.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/integration/expert_link/running_worker.h"
#include "tests/integration/expert_link/test_coordinator.h"

namespace windrose {
namespace {

constexpr ExpertId kExpert(3);
constexpr LayerIndex kLayer(0);

TEST(LinkFaults, KilledWorkerIsDownAndItsSuccessorUpWithinASecond) {
  auto worker = std::make_unique<RunningWorker>(RunningWorkerOptions{.incarnation = 1});
  const uint16_t port = worker->port();
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker->address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  for (uint64_t life = 2; life < 5; ++life) {
    const TimePoint killed = coordinator.loop().Now();
    worker->Kill();
    ASSERT_TRUE(coordinator.AwaitDown(WorkerId(0), Seconds(1)));
    worker =
        std::make_unique<RunningWorker>(RunningWorkerOptions{.port = port, .incarnation = life});
    ASSERT_TRUE(coordinator.AwaitUp(WorkerId(0), killed + Seconds(1) - coordinator.loop().Now()));
    EXPECT_EQ(coordinator.up[WorkerId(0)].incarnation, life);
    coordinator.Call(life, kLayer, kExpert, TestRows(life, 2));
    ASSERT_TRUE(coordinator.AwaitReplies(life - 1));
  }
  EXPECT_EQ(coordinator.downs.size(), 3U);
}

TEST(LinkFaults, WorkerThatWasAwayForLongIsUsedWithinASecondOfItsReturn) {
  auto worker = std::make_unique<RunningWorker>(RunningWorkerOptions{});
  const uint16_t port = worker->port();
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker->address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  worker->Kill();
  // Long enough for the pauses between two tries to have grown to their end.
  EXPECT_FALSE(coordinator.Await([&] { return coordinator.ups.size() > 1; }, Seconds(2)));
  worker = std::make_unique<RunningWorker>(RunningWorkerOptions{.port = port});
  EXPECT_TRUE(coordinator.AwaitUp(WorkerId(0), Seconds(1)));
}

TEST(LinkFaults, WorkerThatStartsLaterIsFound) {
  uint16_t port = 0;
  {
    RunningWorker probe({});
    port = probe.port();
  }
  TestCoordinator coordinator;
  coordinator.SetAddresses({"127.0.0.1:" + std::to_string(port)});
  EXPECT_FALSE(coordinator.AwaitUp(WorkerId(0), Milliseconds(300)));
  RunningWorker worker({.port = port});
  EXPECT_TRUE(coordinator.AwaitUp(WorkerId(0), Seconds(1)));
  EXPECT_TRUE(coordinator.downs.empty());
}

TEST(LinkFaults, WorkerThatLeavesWhileItLoadsIsTriedAgain) {
  auto worker = std::make_unique<RunningWorker>(RunningWorkerOptions{});
  const uint16_t port = worker->port();
  worker->server().SetState(WorkerState::kLoading);
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker->address()});
  EXPECT_FALSE(coordinator.AwaitUp(WorkerId(0), Milliseconds(200)));
  worker->Drain();
  worker.reset();
  worker = std::make_unique<RunningWorker>(RunningWorkerOptions{.port = port});
  EXPECT_TRUE(coordinator.AwaitUp(WorkerId(0), Seconds(1)));
}

TEST(LinkFaults, WorkerOfAnotherModelIsNeverUp) {
  RunningWorker worker({});
  GrpcExpertTransportConfig config = TestCoordinator::Config();
  config.model_hash.front() = config.model_hash.front() == '0' ? '1' : '0';
  TestCoordinator coordinator(config);
  coordinator.SetAddresses({worker.address()});
  EXPECT_FALSE(coordinator.AwaitUp(WorkerId(0), Milliseconds(500)));
  EXPECT_TRUE(coordinator.downs.empty());
}

TEST(LinkFaults, ReplyThatDoesNotDecodeBreaksTheLink) {
  RunningWorker worker({});
  GrpcExpertTransportConfig config = TestCoordinator::Config();
  config.reply_limits.max_rows = 2;  // The reply will have three.
  TestCoordinator coordinator(config);
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  coordinator.Call(1, kLayer, kExpert, TestRows(1, 3));
  ASSERT_TRUE(coordinator.Await([&] { return !coordinator.bad_replies.empty(); }));
  EXPECT_TRUE(coordinator.AwaitDown());
  EXPECT_TRUE(coordinator.replies.empty());
  EXPECT_TRUE(coordinator.AwaitUp());  // It is tried again.
}

// One row of expert 3, as the worker's first link would get it.
ComputedReply UnaskedReply() {
  const uint32_t hidden = TinyModel::Get().config().hidden;
  const std::vector<float> row(hidden, 1.0F);
  const uint32_t first = 0;
  ComputedReply reply;
  reply.caller = CallerId(1);
  reply.frame.header.model_hash = TinyModel::Get().checkpoint().model_hash_prefix();
  reply.frame.header.hidden = hidden;
  reply.frame.segments = {{.expert = kExpert, .first = 0, .count = 1}};
  reply.frame.row_count = 1;
  wire::AppendRows(row, hidden, std::span(&first, 1), reply.frame.header.type, reply.rows);
  reply.frame.rows = reply.rows;
  return reply;
}

TEST(LinkFaults, MoreRepliesThanCallsBreakTheLink) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  worker.server().OnReply(UnaskedReply());
  ASSERT_TRUE(coordinator.Await([&] { return !coordinator.bad_replies.empty(); }));
  EXPECT_EQ(coordinator.bad_replies[0].code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(coordinator.AwaitDown());
  EXPECT_TRUE(coordinator.replies.empty());
}

TEST(LinkFaults, AsManyRepliesMayWaitAsCallsWereSent) {
  constexpr uint32_t kCalls = 1000;
  RunningWorker worker({.max_queued_calls = kCalls, .compute = false});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  std::vector<OutgoingCall> calls;
  for (uint32_t id = 0; id < kCalls; ++id) {
    calls.push_back(TestCoordinator::MakeCall(WorkerId(0), id, kLayer, kExpert, TestRows(id, 1)));
  }
  coordinator.transport().SendAll(calls);
  ASSERT_TRUE(worker.AwaitWaiting(kCalls));
  worker.StartComputing();
  // Its answer comes behind those of the first, whose loop has not run meanwhile.
  TestCoordinator other;
  other.SetAddresses({worker.address()});
  ASSERT_TRUE(other.AwaitUp());
  other.Call(1, kLayer, kExpert, TestRows(1, 1));
  ASSERT_TRUE(other.AwaitReplies(1));
  EXPECT_TRUE(coordinator.AwaitReplies(kCalls));
  EXPECT_TRUE(coordinator.downs.empty());
}

TEST(LinkFaults, ResetBreaksTheLinkAndSetsItUpAgain) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  coordinator.transport().Reset(WorkerId(0), DeadlineExceeded("test"));
  EXPECT_TRUE(coordinator.downs.empty()) << "the listener is not called from within Reset";
  ASSERT_TRUE(coordinator.AwaitDown());
  ASSERT_TRUE(coordinator.AwaitUp());
  coordinator.Call(1, kLayer, kExpert, TestRows(1, 1));
  EXPECT_TRUE(coordinator.AwaitReplies(1));
}

// How often the link to `address` comes up in a second, if each time `on_up` happens.
size_t UpsInASecond(const std::string& address, TestCoordinator& coordinator,
                    const std::function<void()>& on_up) {
  coordinator.SetAddresses({address});
  size_t handled = 0;
  const TimePoint end = coordinator.loop().Now() + Seconds(1);
  while (coordinator.Await([&] { return coordinator.ups.size() > handled; },
                           end - coordinator.loop().Now())) {
    ++handled;
    on_up();
  }
  return handled;
}

TEST(LinkFaults, AWorkerThatEndsEachConnectionIsTriedLessAndLessOften) {
  RunningWorker worker({.max_rows = 2});
  TestCoordinator coordinator;
  // The worker ends the stream on which too large a frame comes.
  const auto misbehave = [&] { coordinator.Call(1, kLayer, kExpert, TestRows(1, 3)); };
  const size_t ups = UpsInASecond(worker.address(), coordinator, misbehave);
  EXPECT_GT(ups, 2U);
  EXPECT_LT(ups, 15U);
}

TEST(LinkFaults, AWorkerWhoseRepliesNeverFitIsTriedLessAndLessOften) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  const auto misbehave = [&] { coordinator.Call(1, kLayer, kExpert, TestRows(1, 1)); };
  coordinator.on_reply = [&] {
    coordinator.transport().Reset(WorkerId(0), InvalidArgument("test"));
  };
  const size_t ups = UpsInASecond(worker.address(), coordinator, misbehave);
  EXPECT_GT(ups, 2U);
  EXPECT_LT(ups, 15U);
}

TEST(LinkFaults, AWorkerWithoutRoomIsNotUp) {
  RunningWorker worker({.max_links = 1});
  TestCoordinator first;
  first.SetAddresses({worker.address()});
  ASSERT_TRUE(first.AwaitUp());
  TestCoordinator second;
  EXPECT_EQ(UpsInASecond(worker.address(), second, [] {}), 0U);
}

TEST(LinkFaults, SilentWorkerIsDown) {
  RunningWorker worker({});
  GrpcExpertTransportConfig config = TestCoordinator::Config();
  config.silence_limit = Milliseconds(300);
  TestCoordinator coordinator(config);
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  ASSERT_TRUE(coordinator.AwaitDown(WorkerId(0), Seconds(2)));
  EXPECT_EQ(coordinator.downs[0].second.code(), StatusCode::kDeadlineExceeded);
}

TEST(LinkFaults, HeartbeatsKeepAQuietWorkerUp) {
  RunningWorker worker({});
  GrpcExpertTransportConfig config = TestCoordinator::Config();
  config.silence_limit = Seconds(2);
  TestCoordinator coordinator(config);
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  const TimePoint end = coordinator.loop().Now() + Seconds(3);
  while (coordinator.loop().Now() < end) {
    worker.server().SendHeartbeats();
    EXPECT_FALSE(coordinator.Await([&] { return !coordinator.downs.empty(); }, Milliseconds(20)));
  }
}

TEST(LinkFaults, OfManyStatusesTheNewestWaits) {
  RunningWorker worker({});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  // Nobody runs the coordinator's loop meanwhile.
  const TimePoint end = coordinator.loop().Now() + Milliseconds(500);
  while (coordinator.loop().Now() < end) worker.server().SendHeartbeats();
  size_t tasks = 0;
  coordinator.Await([&] { return ++tasks > 1000; }, Milliseconds(50));
  EXPECT_LT(tasks, 10U);
}

TEST(LinkFaults, TooMuchUnsentBreaksTheLinkInsteadOfGrowing) {
  RunningWorker worker({});
  GrpcExpertTransportConfig config = TestCoordinator::Config();
  config.max_unsent_bytes = 100;  // Less than one frame.
  TestCoordinator coordinator(config);
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  coordinator.Call(1, kLayer, kExpert, TestRows(1, 2));
  EXPECT_TRUE(coordinator.downs.empty()) << "the listener is not called from within Send";
  ASSERT_TRUE(coordinator.AwaitDown());
  EXPECT_EQ(coordinator.downs[0].second.code(), StatusCode::kResourceExhausted);
}

TEST(LinkFaults, OneReplyIsNeverTooMuchUnsent) {
  RunningWorker worker({.max_unsent_bytes = 100});  // Less than one reply.
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  coordinator.Call(1, kLayer, kExpert, TestRows(1, 64));
  EXPECT_TRUE(coordinator.AwaitReplies(1, Seconds(2)));
  EXPECT_TRUE(coordinator.downs.empty());
}

TEST(LinkFaults, TransportEndsWithCallsInFlight) {
  RunningWorker worker({.compute = false});
  {
    TestCoordinator coordinator;
    coordinator.SetAddresses({worker.address()});
    ASSERT_TRUE(coordinator.AwaitUp());
    for (uint64_t id = 0; id < 20; ++id) coordinator.Call(id, kLayer, kExpert, TestRows(id, 4));
  }
  worker.StartComputing();
  TestCoordinator next;
  next.SetAddresses({worker.address()});
  ASSERT_TRUE(next.AwaitUp());
  next.Call(1, kLayer, kExpert, TestRows(1, 1));
  EXPECT_TRUE(next.AwaitReplies(1));
}

}  // namespace
}  // namespace windrose
