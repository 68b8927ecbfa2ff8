#include "router/proxy/inference_proxy.h"

#include <gtest/gtest.h>

#include "router/values/error_detail.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/router/proxy/scripted_cluster.h"

namespace windrose::router {
namespace {

class InferenceProxyTest : public ScriptedClusterTest {
 protected:
  InferenceProxyTest() { Serve({"a:1", "b:1"}); }
  StatusOr<Tokenized> Tokenize() {
    std::optional<StatusOr<Tokenized>> answer;
    proxy_.Tokenize({}, loop_.Now() + Seconds(1),
                    [&](StatusOr<Tokenized> result) { answer = std::move(result); });
    loop_.RunUntil([&] { return answer.has_value(); }, loop_.Now() + Milliseconds(1));
    return answer.value_or(Internal("no answer"));
  }

  ManualClock clock_{TimePoint(), 1700000000};
  InferenceProxy proxy_{{.loop = loop_,
                         .clock = clock_,
                         .entropy = entropy_,
                         .log = log_,
                         .coordinators = set_,
                         .probe = probe_},
                        {}};
};

TEST_F(InferenceProxyTest, AsksAnotherCoordinatorWhenOneIsGone) {
  script_.up["a:1"] = false;
  EXPECT_TRUE(Tokenize().ok());
  EXPECT_TRUE(Tokenize().ok());
  EXPECT_EQ(set_.up_count(), 1U);
}

TEST_F(InferenceProxyTest, TakesNobodyWhoRefusesForDead) {
  const Status refusals[] = {
      ResourceExhausted("full"), FailedPrecondition("no"),
      WithDetail(Unavailable("stopping"), ErrorDetail{.code = "draining"}),
      WithDetail(Unavailable("expert 3 is gone"), ErrorDetail{.code = "expert_unavailable"})};
  for (const Status& refusal : refusals) {
    script_.unary_refusal = refusal;
    EXPECT_EQ(Tokenize().status(), refusal);
    EXPECT_EQ(set_.up_count(), 2U) << ToString(refusal);
  }
}

}  // namespace
}  // namespace windrose::router
