// What a generation does, says and counts when a coordinator breaks it off or refuses it.
#include <gtest/gtest.h>

#include "router/proxy/generation.h"
#include "router/values/error_detail.h"
#include "tests/unit/router/proxy/generation_fixture.h"

namespace windrose::router {
namespace {

Status LostExpert() {
  return WithDetail(Unavailable("expert 3 is gone"),
                    ErrorDetail{.code = "expert_unavailable", .param = "", .retry_after_ms = 0});
}

TEST_F(GenerationTest, TriesABusyCoordinatorRatherThanOneThatBrokeItAndIsUpAgain) {
  Serve({"a:1", "b:1", "c:1"});
  script_.token_time = Milliseconds(100);  // longer than one that broke is away
  const CoordinatorLease busy = set_.Pick("", {"a:1", "b:1"});
  FailAttempts({Unavailable("killed"), Unavailable("killed")});
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(script_.addresses.size(), 3U);
  EXPECT_EQ(script_.addresses[2], "c:1");
}

TEST_F(GenerationTest, TriesABusyCoordinatorRatherThanOneThatRefusedIt) {
  for (const Status& refusal : {Draining(), LostExpert()}) {
    Serve({"a:1", "b:1", "c:1"});
    recorder_ = Recorder();
    script_.calls.clear();
    script_.addresses.clear();
    const CoordinatorLease busy = set_.Pick("", {"a:1", "b:1"});
    FailAttempts({refusal, refusal});
    Begin();
    RunToEnd();
    ExpectWholeAnswer();
    ASSERT_EQ(script_.addresses.size(), 3U);
    EXPECT_EQ(script_.addresses[2], "c:1");
  }
}

TEST_F(GenerationTest, WhoBreaksItGetsNobodyUntilAProbe) {
  Serve({"a:1", "b:1"});
  size_t up = 0;
  script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt == 1 && index == -1) up = set_.up_count();
    return attempt == 0 && index == 2 ? std::optional(Unavailable("killed")) : std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(up, 1U);
  EXPECT_EQ(Errors(script_.addresses[0]), 1);
  EXPECT_EQ(Errors(script_.addresses[1]), 0);
}

TEST_F(GenerationTest, ARefusalIsAnErrorOfACoordinatorThatIsWell) {
  Serve({"a:1", "b:1", "c:1"});
  FailAttempts({Draining(), LostExpert()});
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(script_.addresses.size(), 3U);
  EXPECT_EQ(Errors(script_.addresses[0]), 1);
  EXPECT_EQ(Errors(script_.addresses[1]), 1);
  EXPECT_EQ(Errors(script_.addresses[2]), 0);
  EXPECT_EQ(set_.up_count(), 3U);
}

TEST_F(GenerationTest, TheLastDeathBeforeQuarantineIsReportedToo) {
  Serve({"a:1", "b:1"});
  script_.says_taken = true;
  FailAttempts(std::vector<Status>(parts_.options.death_limit, Unavailable("killed")));
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "request_quarantined");
  EXPECT_EQ(Errors("a:1") + Errors("b:1"), parts_.options.death_limit);
  EXPECT_EQ(Counted("requests_quarantined_total"), 1);
}

class GenerationThatGoesBackTest : public GenerationTest {
 protected:
  // So many attempts are refused, the next one is broken off before token `token`: the time from
  // then until the last attempt begins.
  Duration TimeAway(size_t refused, int token) {
    std::optional<TimePoint> left;
    std::optional<TimePoint> back;
    script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
      if (attempt < refused) return Draining();
      if (attempt == refused + 1 && index == -1) back = loop_.Now();
      if (attempt != refused || index != token) return std::nullopt;
      left = loop_.Now();
      return Draining();
    };
    Begin();
    RunToEnd();
    ExpectWholeAnswer();
    script_.fault = nullptr;
    EXPECT_TRUE(left.has_value() && back.has_value());
    return back.value_or(TimePoint()) - left.value_or(TimePoint());
  }
};

TEST_F(GenerationThatGoesBackTest, AfterATokenItMayGoBackToWhoFailedBefore) {
  Serve({"a:1", "b:1"});
  EXPECT_EQ(TimeAway(1, 2), script_.token_time) << "without a pause";
  ASSERT_EQ(script_.addresses.size(), 3U);
  EXPECT_EQ(script_.addresses[2], script_.addresses[0]);
}

TEST_F(GenerationThatGoesBackTest, PausesAreShortAgainAfterAToken) {
  Serve({"a:1"});
  const Duration pause = TimeAway(10, 1) - script_.token_time;
  EXPECT_GE(pause, Milliseconds(16));
  EXPECT_LE(pause, Milliseconds(24));
}

TEST_F(GenerationTest, PausesGrowWhileNobodyTakesIt) {
  Serve({"a:1"});
  std::vector<TimePoint> asked;
  script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (index == -1) asked.push_back(loop_.Now());
    return attempt < 11 ? std::optional(Draining()) : std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(asked.size(), 12U);
  EXPECT_LE(asked[1] - asked[0] - script_.token_time, Milliseconds(24));
  EXPECT_GE(asked[11] - asked[10] - script_.token_time, Milliseconds(400));
}

TEST_F(GenerationTest, CountsEveryAttemptAfterTheFirstAsAReplay) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    const bool dies = attempt < 2 && index == static_cast<int>(attempt) + 2;
    return dies ? std::optional(Unavailable("killed")) : std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 3U);
  EXPECT_EQ(Counted("backend_retries_total"), 2);
}

TEST_F(GenerationTest, MeasuresFromTokenToTokenAcrossABreak) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    return attempt == 0 && index == 2 ? std::optional(Unavailable("killed")) : std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(Counted("inter_token_latency_seconds_count"), 4);
  // Three gaps of 10 ms, and one of 30 ms: the break, the second start and its first token.
  EXPECT_DOUBLE_EQ(Counted("inter_token_latency_seconds_sum"), 0.06);
}

TEST_F(GenerationTest, MeasuresFromItsStartWhenTheCallBringsTokens) {
  Serve({"a:1"});
  GenerateCall call;
  call.resume_tokens = {TrueToken(42, 0), TrueToken(42, 1)};
  Begin(call);
  RunToEnd();
  EXPECT_EQ(recorder_.tokens.size(), 3U);
  EXPECT_EQ(Counted("inter_token_latency_seconds_count"), 3);
  EXPECT_DOUBLE_EQ(Counted("inter_token_latency_seconds_sum"), 0.04);
}

TEST_F(GenerationTest, NeverGoesOnWithAnotherModel) {
  Serve({"a:1", "b:1", "c:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    return attempt == 0 && index == 2 ? std::optional(Unavailable("killed")) : std::nullopt;
  };
  script_.forge_start = [](size_t attempt, StartedEvent& event) {
    if (attempt == 1) event.model = "another";
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 3U);
}

TEST_F(GenerationTest, TakesNoTokenOfAnAnswerThatDidNotStart) {
  Serve({"a:1", "b:1"});
  script_.skips_start = true;
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 2U);
  EXPECT_EQ(Errors(script_.addresses[0]), 1);
}

TEST_F(GenerationTest, TakesNoEndOfAnAnswerThatDidNotStart) {
  Serve({"a:1", "b:1"});
  script_.skips_start = true;
  script_.token_count = 0;
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 2U);
}

TEST_F(GenerationTest, ACallKeepsItsOwnLimit) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    return attempt == 0 && index == 2 ? std::optional(Unavailable("killed")) : std::nullopt;
  };
  script_.forge_start = [](size_t, StartedEvent& event) { event.max_tokens = 4000; };
  GenerateCall call;
  call.max_tokens = 7;
  Begin(call);
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(script_.calls.size(), 2U);
  EXPECT_EQ(script_.calls[1].max_tokens, 7U);
}

TEST_F(GenerationTest, WhatBeganWaitsForFullCoordinators) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt == 0) return index == 0 ? std::optional(Unavailable("killed")) : std::nullopt;
    return attempt < 7 ? std::optional(ResourceExhausted("queue full")) : std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 8U);
}

TEST_F(GenerationTest, SaysWhyItWasRefusedWhenNobodyTakesIt) {
  Serve({"a:1"});
  FailAttempts(std::vector<Status>(10'000, Draining()));
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "draining");
}

TEST_F(GenerationTest, SaysNothingOfARefusalBeforeTheLastFailure) {
  Serve({"a:1"});
  std::vector<Status> failures(10'000, Unavailable("connection refused"));
  failures[0] = Draining();
  FailAttempts(std::move(failures));
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "coordinator_unavailable");
}

TEST_F(GenerationTest, WhatNobodyTookIsCountedAsRejected) {
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "coordinator_unavailable");
  EXPECT_EQ(Counted("requests_rejected_total{reason=\"no_backend\"}"), 1);
  EXPECT_NE(log_.text.find("reason=no coordinator of its model was up\n"), std::string::npos)
      << log_.text;
}

TEST_F(GenerationTest, WhatBeganIsNotCountedAsRejected) {
  Serve({"a:1"});
  script_.fault = [&](size_t, const std::string&, int index) -> std::optional<Status> {
    if (index != 2) return std::nullopt;
    script_.up["a:1"] = false;
    return Unavailable("killed");
  };
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "coordinator_unavailable");
  EXPECT_EQ(Counted("requests_rejected_total{reason=\"no_backend\"}"), 0);
}

TEST_F(GenerationTest, HasNoPlaceOnACoordinatorOnceItEnded) {
  Serve({"a:1"});
  Begin();
  EXPECT_EQ(Outstanding(), 1U);
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(Outstanding(), 0U);
}

}  // namespace
}  // namespace windrose::router
