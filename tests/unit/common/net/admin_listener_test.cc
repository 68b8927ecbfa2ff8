#include "common/net/admin_listener.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace windrose {
namespace {

class AdminListenerTest : public testing::Test {
 protected:
  HttpResponse Answer(const std::string& path, const std::string& query = "",
                      const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = query;
    return AnswerAdminRequest(request, options_, metrics_, health_);
  }

  ManualClock clock_{TimePoint()};
  HealthState health_{clock_};
  MetricRegistry metrics_;
  AdminOptions options_;
};

TEST_F(AdminListenerTest, ServesTheThreeProbesApart) {
  EXPECT_EQ(Answer("/livez").status, 200) << "live before it is ready";
  EXPECT_EQ(Answer("/readyz").status, 503);
  EXPECT_EQ(Answer("/startupz").status, 503);
  health_.SetStarted();
  EXPECT_EQ(Answer("/readyz").status, 200);
  EXPECT_EQ(Answer("/startupz").status, 200);
  health_.SetCondition("experts", false, "expert 3 has no \"worker\"");
  EXPECT_EQ(Answer("/readyz").status, 503);
  EXPECT_EQ(
      Answer("/readyz").body,
      "{\"status\":\"unavailable\",\"reason\":\"experts: expert 3 has no \\\"worker\\\"\"}\n");
  EXPECT_EQ(Answer("/livez").status, 200) << "peers never decide liveness";
}

TEST_F(AdminListenerTest, ReportsLoadingProgress) {
  health_.SetStartupProgress(0.25, "weights");
  EXPECT_EQ(Answer("/startupz").body,
            "{\"status\":\"unavailable\",\"reason\":\"weights\",\"progress\":0.2500,"
            "\"phase\":\"weights\"}\n");
}

TEST_F(AdminListenerTest, ReportsASilentThread) {
  const auto heartbeat = health_.AddHeartbeat("engine", Seconds(5));
  clock_.now += Seconds(6);
  EXPECT_EQ(Answer("/livez").status, 503);
  heartbeat->Beat();
  EXPECT_EQ(Answer("/livez").status, 200);
}

TEST_F(AdminListenerTest, ShowsEveryConditionWhenVerbose) {
  health_.SetCondition("experts", true);
  EXPECT_EQ(Answer("/readyz").body.find("experts"), std::string::npos);
  EXPECT_NE(Answer("/readyz", "verbose").body.find("{\"name\":\"experts\",\"ok\":true"),
            std::string::npos);
}

TEST_F(AdminListenerTest, ServesMetrics) {
  metrics_.AddCounter("windrose_test_total", "A test.").Inc(3);
  const HttpResponse response = Answer("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("windrose_test_total 3"), std::string::npos);
}

TEST_F(AdminListenerTest, ServesAddedPagesAndNothingElse) {
  options_.pages["/topology"] = [](const HttpRequest&) { return HttpResponse{200, {}, "map"}; };
  EXPECT_EQ(Answer("/topology").body, "map");
  EXPECT_EQ(Answer("/").status, 404);
  EXPECT_EQ(Answer("/metrics/").status, 404);
  EXPECT_EQ(Answer("/metrics", "", "POST").status, 405);
}

}  // namespace
}  // namespace windrose
