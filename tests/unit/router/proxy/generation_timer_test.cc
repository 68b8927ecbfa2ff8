// The clocks of a generation: what sets each of them back, and that none strikes after the end.
#include <gtest/gtest.h>

#include "router/proxy/generation.h"
#include "router/values/error_detail.h"
#include "tests/unit/router/proxy/generation_fixture.h"

namespace windrose::router {
namespace {

TEST_F(GenerationTest, NothingComesAfterAWholeAnswer) {
  Serve({"a:1", "b:1"});
  Begin();
  RunToEnd();
  Pass(Seconds(1000));
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 1U);
}

TEST_F(GenerationTest, NothingComesAfterAFailure) {
  Serve({"a:1", "b:1"});
  FailAttempts({NotFound("no such model")});
  Begin();
  RunToEnd();
  Pass(Seconds(1000));
  EXPECT_EQ(recorder_.failure, NotFound("no such model"));
  EXPECT_EQ(recorder_.ends, 1);
  EXPECT_EQ(script_.calls.size(), 1U);
}

TEST_F(GenerationTest, WhatTimedOutWaitingIsNeitherAskedNorGivenUp) {
  script_.up["a:1"] = false;
  set_.SetAddresses({"a:1"});
  Begin({}, Seconds(7));
  RunToEnd();
  script_.up["a:1"] = true;
  Pass(Seconds(100));
  EXPECT_EQ(set_.up_count(), 1U);
  EXPECT_TRUE(script_.calls.empty());
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "timeout");
  EXPECT_EQ(recorder_.ends, 1);
}

TEST_F(GenerationTest, WhatTimedOutInAPauseIsNotAsked) {
  parts_.options.pause.initial = parts_.options.pause.maximum = Seconds(20);
  Serve({"a:1"});
  FailAttempts({Draining()});
  Begin({}, Seconds(7));
  RunToEnd();
  Pass(Seconds(100));
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "timeout");
  EXPECT_EQ(recorder_.ends, 1);
  EXPECT_EQ(script_.calls.size(), 1U);
}

TEST_F(GenerationTest, NobodyIsAskedForWhatWentAsACoordinatorCameUp) {
  script_.up["a:1"] = false;
  set_.SetAddresses({"a:1"});
  Begin();
  Pass(Seconds(3));
  set_.OnChange([&] { generation_.reset(); });  // the waiters are on their way by then
  script_.up["a:1"] = true;
  Pass(Seconds(100));
  EXPECT_EQ(set_.up_count(), 1U);
  EXPECT_EQ(generation_, nullptr);
  EXPECT_TRUE(script_.calls.empty());
}

TEST_F(GenerationTest, NobodyIsAskedForWhatTimedOutAsACoordinatorCameUp) {
  set_.SetAddresses({"a:1"});  // up after a millisecond, just before the deadline
  Begin({}, Milliseconds(1));
  Pass(Seconds(100));
  EXPECT_EQ(set_.up_count(), 1U);
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "timeout");
  EXPECT_EQ(recorder_.ends, 1);
  EXPECT_TRUE(script_.calls.empty());
}

TEST_F(GenerationTest, ACoordinatorIsAskedTheMomentItIsUp) {
  script_.up["a:1"] = false;
  set_.SetAddresses({"a:1"});
  Begin();
  Pass(Seconds(3));
  script_.up["a:1"] = true;
  loop_.RunUntil([&] { return set_.up_count() == 1; }, loop_.Now() + Seconds(10));
  Pass(Duration{});
  EXPECT_EQ(script_.calls.size(), 1U);
}

TEST_F(GenerationTest, WaitingForACoordinatorIsNoSilence) {
  Serve({"a:1"});
  script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt != 0 || index != 2) return std::nullopt;
    script_.up["a:1"] = false;
    return Unavailable("killed");
  };
  loop_.After(parts_.options.silence_limit + Seconds(10), [&] { script_.up["a:1"] = true; });
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
}

TEST_F(GenerationTest, WhatWasTakenAfterAWaitMayTakeLongerThanTheWaitLimit) {
  script_.up["a:1"] = false;
  script_.token_time = Seconds(20);
  set_.SetAddresses({"a:1"});
  loop_.After(Seconds(3), [&] { script_.up["a:1"] = true; });
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
}

TEST_F(GenerationTest, WaitsAnewWhenItsCoordinatorDrainsLongAfterTheStart) {
  Serve({"a:1"});
  script_.token_time = parts_.options.wait_limit;
  script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (index == 1) script_.token_time = Milliseconds(10);
    const bool drains = (attempt == 0 && index == 1) || (attempt > 0 && attempt < 5);
    return drains ? std::optional(Draining()) : std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
}

TEST_F(GenerationTest, WaitsAnewAfterASilence) {
  Serve({"a:1", "b:1"});
  script_.silent["a:1"] = script_.silent["b:1"] = true;
  Begin();
  Pass(parts_.options.wait_limit * 2);  // it serves, on a long prompt
  const std::string gone = script_.addresses.front();
  script_.silent.clear();
  script_.up[gone] = false;
  const size_t first = script_.calls.size();
  script_.fault = [=](size_t attempt, const std::string&, int) -> std::optional<Status> {
    return attempt < first + 4 ? std::optional(Draining()) : std::nullopt;
  };
  RunToEnd();
  ExpectWholeAnswer();
}

TEST_F(GenerationTest, EveryEventEndsASilence) {
  Serve({"a:1", "b:1"});
  script_.token_time = parts_.options.silence_limit - Seconds(5);
  Begin();
  script_.up[script_.addresses.front()] = false;  // it answers no probes, but sends
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 1U);
}

TEST_F(GenerationTest, SilenceBeginsAfterAPause) {
  Serve({"a:1", "b:1"});
  Begin();
  loop_.RunUntil([&] { return recorder_.tokens.size() == 2; }, loop_.Now() + Seconds(1));
  script_.silent[script_.addresses.front()] = true;
  script_.up[script_.addresses.front()] = false;
  Pass(Seconds(1));
  generation_->SetPaused(true);
  Pass(parts_.options.silence_limit * 3 - Seconds(5));
  generation_->SetPaused(false);
  const TimePoint again = loop_.Now();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_GE(loop_.Now() - again, parts_.options.silence_limit);
}

}  // namespace
}  // namespace windrose::router
