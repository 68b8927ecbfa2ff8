#include "router/proxy/admission.h"

#include <gtest/gtest.h>

#include "router/values/error_detail.h"
#include "tests/support/manual_event_loop.h"

namespace windrose::router {
namespace {

class AdmissionTest : public ::testing::Test {
 protected:
  uint64_t Request(size_t who) {
    return admission_.Request([this, who](StatusOr<std::unique_ptr<Admission::Ticket>> ticket) {
      if (ticket.ok()) {
        tickets_[who] = std::move(*ticket);
        order_.push_back(who);
      } else {
        failures_[who] = ticket.status();
      }
    });
  }
  void Run(Duration time) {
    loop_.RunUntil([] { return false; }, loop_.Now() + time);
  }

  ManualEventLoop loop_;
  RouterProbe probe_;
  Admission admission_{loop_, probe_, {.in_flight_limit = 2, .queue_limit = 2}};
  std::map<size_t, std::unique_ptr<Admission::Ticket>> tickets_;
  std::map<size_t, Status> failures_;
  std::vector<size_t> order_;
};

TEST_F(AdmissionTest, QueuesUpToItsLimitAndRefusesTheNext) {
  for (size_t who = 0; who < 5; ++who) Request(who);
  EXPECT_EQ(admission_.in_flight(), 2U);
  EXPECT_EQ(admission_.waiting(), 2U);
  ASSERT_TRUE(failures_.contains(4));
  EXPECT_EQ(ErrorCodeOf(failures_[4]), "server_overloaded");
  EXPECT_GT(DetailOf(failures_[4])->retry_after_ms, 0U);
}

TEST_F(AdmissionTest, AdmitsInOrderOfArrival) {
  for (size_t who = 0; who < 4; ++who) Request(who);
  tickets_.erase(0);
  tickets_.erase(1);
  Run(Milliseconds(1));
  EXPECT_EQ(order_, (std::vector<size_t>{0, 1, 2, 3}));
  EXPECT_EQ(admission_.in_flight(), 2U);
}

TEST_F(AdmissionTest, RefusesWhoWaitedTooLong) {
  for (size_t who = 0; who < 3; ++who) Request(who);
  Run(Seconds(29));
  EXPECT_TRUE(failures_.empty());
  Run(Seconds(2));
  EXPECT_EQ(ErrorCodeOf(failures_[2]), "queue_timeout");
  EXPECT_EQ(admission_.waiting(), 0U);
}

TEST_F(AdmissionTest, ForgetsWhoWentAway) {
  Request(0);
  Request(1);
  const uint64_t gone = Request(2);
  Request(3);
  admission_.Forget(gone);
  tickets_.erase(0);
  Run(Milliseconds(1));
  EXPECT_EQ(order_.back(), 3U);
  EXPECT_FALSE(tickets_.contains(2));
}

}  // namespace
}  // namespace windrose::router
