#include "router/upstream/coordinator_set.h"

#include <gtest/gtest.h>

#include "router/upstream/balancer.h"
#include "tests/support/collecting_log.h"
#include "tests/unit/router/proxy/scripted_upstream.h"

namespace windrose::router {
namespace {

TEST(ChooseCandidate, PrefersReadyThenIdleThenTheNextInTurn) {
  using C = BalanceCandidate;
  EXPECT_EQ(ChooseCandidate({}, 3), std::nullopt);
  const std::vector<C> unusable{C{.usable = false, .ready = true}};
  EXPECT_EQ(ChooseCandidate(unusable, 0), std::nullopt);
  const std::vector<C> some{C{.usable = true, .ready = false, .outstanding = 0},
                            C{.usable = true, .ready = true, .outstanding = 5},
                            C{.usable = false, .ready = true, .outstanding = 0},
                            C{.usable = true, .ready = true, .outstanding = 4}};
  EXPECT_EQ(ChooseCandidate(some, 0), 3U);
  const std::vector<C> equal(3, C{.usable = true, .ready = true});
  EXPECT_EQ(ChooseCandidate(equal, 1), 1U);
  EXPECT_EQ(ChooseCandidate(equal, 5), 2U);
}

class CoordinatorSetTest : public ::testing::Test {
 protected:
  void Run(Duration time) {
    loop_.RunUntil([] { return false; }, loop_.Now() + time);
  }

  ManualEventLoop loop_;
  Script script_;
  CountingEntropy entropy_;
  NullLog log_;
  CoordinatorSet set_{ScriptedParts(loop_, script_, entropy_, log_), CoordinatorSetOptions{}};
};

TEST_F(CoordinatorSetTest, SpreadsCallsByOutstanding) {
  set_.SetAddresses({"a:1", "b:1"});
  Run(Milliseconds(10));
  const CoordinatorLease first = set_.Pick("demo", {});
  const CoordinatorLease second = set_.Pick("demo", {});
  EXPECT_NE(first->address, second->address);
  EXPECT_EQ(first->outstanding, 1U);
}

TEST_F(CoordinatorSetTest, ABrokenCallTakesOneOutUntilALaterProbe) {
  set_.SetAddresses({"a:1"});
  Run(Milliseconds(10));
  {
    const CoordinatorLease lease = set_.Pick("", {});
    ASSERT_TRUE(lease);
    set_.ReportBroken(*lease);
  }
  EXPECT_EQ(set_.up_count(), 0U);
  EXPECT_FALSE(set_.Pick("", {}));
  bool called = false;
  set_.AwaitUp([&] { called = true; });
  Run(Milliseconds(600));
  EXPECT_TRUE(called);
  EXPECT_EQ(set_.up_count(), 1U);
}

TEST_F(CoordinatorSetTest, NoticesADeathWithoutCalls) {
  set_.SetAddresses({"a:1"});
  Run(Milliseconds(10));
  script_.up["a:1"] = false;
  Run(Milliseconds(1100));
  EXPECT_EQ(set_.up_count(), 0U);
  ASSERT_EQ(set_.Models().size(), 1U) << "its name stays known";
  EXPECT_FALSE(set_.Models().front().ready);
}

// A wrong address, or a coordinator without workers, is seen in the log and not only missed.
TEST_F(CoordinatorSetTest, SaysOnceWhyACoordinatorHasNeverBeenUp) {
  CollectingLog log;
  CoordinatorSet set(ScriptedParts(loop_, script_, entropy_, log), CoordinatorSetOptions{});
  script_.up["a:1"] = false;
  set.SetAddresses({"a:1"});
  Run(Seconds(30));
  script_.up["a:1"] = script_.idle["a:1"] = true;
  Run(Seconds(30));
  script_.idle["a:1"] = false;
  Run(Seconds(30));
  EXPECT_EQ(log.text,
            "coordinator_awaited coordinator=a:1 reason=down\n"
            "coordinator_awaited coordinator=a:1 reason=does not serve\n"
            "coordinator_up coordinator=a:1\n");
}

TEST_F(CoordinatorSetTest, ForgetsAddressesThatVanish) {
  set_.SetAddresses({"a:1", "b:1"});
  Run(Milliseconds(10));
  const CoordinatorLease kept = set_.Pick("", {"b:1"});
  set_.SetAddresses({"b:1"});
  Run(Seconds(5));
  EXPECT_EQ(set_.up_count(), 1U);
  EXPECT_FALSE(set_.Pick("", {"b:1"}));
  EXPECT_EQ(kept->address, "a:1") << "its running call goes on";
}

// Pods have new addresses each time: an alarm for those that are down must not ring for the old
// ones.
TEST_F(CoordinatorSetTest, ShowsNoMetricsOfAnAddressThatVanished) {
  MetricRegistry metrics;
  CoordinatorSet::Parts parts = ScriptedParts(loop_, script_, entropy_, log_);
  parts.probe = UpstreamProbe(metrics);
  CoordinatorSet set(std::move(parts), CoordinatorSetOptions{});
  set.SetAddresses({"a:1"});
  Run(Milliseconds(10));
  const CoordinatorLease lease = set.Pick("", {});
  ASSERT_TRUE(lease);
  EXPECT_NE(metrics.Text().find(R"(windrose_router_backend_up{coordinator="a:1"} 1)"),
            std::string::npos);
  set.SetAddresses({"b:1"});
  set.ReportBroken(*lease);
  Run(Milliseconds(10));
  EXPECT_EQ(metrics.Text().find("a:1"), std::string::npos) << metrics.Text();
  set.SetAddresses({"a:1", "b:1"});
  EXPECT_NE(metrics.Text().find(R"(windrose_router_backend_requests_total{coordinator="a:1"} 0)"),
            std::string::npos);
}

TEST_F(CoordinatorSetTest, PicksOnlyWhoServesTheModel) {
  set_.SetAddresses({"a:1"});
  Run(Milliseconds(10));
  EXPECT_TRUE(set_.Pick("demo", {}));
  EXPECT_FALSE(set_.Pick("other", {}));
  EXPECT_TRUE(set_.HasOther("demo", {"b:1"}));
  EXPECT_FALSE(set_.HasOther("demo", {"a:1"}));
}

TEST_F(CoordinatorSetTest, TellsWhetherAnotherHasEveryExpert) {
  script_.lacks_expert["b:1"] = true;
  set_.SetAddresses({"a:1", "b:1"});
  Run(Milliseconds(10));
  EXPECT_TRUE(set_.HasReadyOther("demo", {"b:1"}));
  EXPECT_TRUE(set_.HasOther("demo", {"a:1"}));
  EXPECT_FALSE(set_.HasReadyOther("demo", {"a:1"}));
}

}  // namespace
}  // namespace windrose::router
