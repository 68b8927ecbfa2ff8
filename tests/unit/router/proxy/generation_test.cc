#include "router/proxy/generation.h"

#include <gtest/gtest.h>

#include "router/values/error_detail.h"
#include "tests/unit/router/proxy/generation_fixture.h"

namespace windrose::router {
namespace {

TEST_F(GenerationTest, ForwardsAnUnbrokenStream) {
  Serve({"a:1"});
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.open_streams, 0U);
}

TEST_F(GenerationTest, GoesOnElsewhereWhereverACoordinatorDies) {
  Serve({"a:1", "b:1"});
  for (int death = -1; death <= static_cast<int>(script_.token_count); ++death) {
    SCOPED_TRACE(death);
    recorder_ = Recorder();
    const size_t first = script_.calls.size();
    script_.fault = [=](size_t attempt, const std::string&, int index) -> std::optional<Status> {
      if (attempt == first && index == death) return Unavailable("killed");
      return std::nullopt;
    };
    Begin();
    RunToEnd();
    ExpectWholeAnswer();
    ASSERT_EQ(script_.calls.size(), first + 2);
    EXPECT_EQ(script_.calls.back().resume_tokens.size(), static_cast<size_t>(std::max(death, 0)));
    EXPECT_NE(script_.addresses[first], script_.addresses[first + 1]);
    Serve({"a:1", "b:1"});
  }
}

TEST_F(GenerationTest, DrawsASeedOnceSoThatAReplayIsTheSame) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt == 0 && index == 2) return Unavailable("killed");
    return std::nullopt;
  };
  generation_ =
      std::make_unique<Generation>(parts_, GenerateCall{}, loop_.Now() + Seconds(9), recorder_);
  generation_->Start();
  RunToEnd();
  ASSERT_EQ(script_.calls.size(), 2U);
  ASSERT_TRUE(script_.calls[0].sampling.seed.has_value());
  EXPECT_EQ(script_.calls[0].sampling.seed, script_.calls[1].sampling.seed);
}

TEST_F(GenerationTest, KeepsTheFirstCoordinatorsLimitWhenTheCallHasNone) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    return attempt == 0 && index == 2 ? std::optional(Unavailable("killed")) : std::nullopt;
  };
  script_.forge_start = [](size_t attempt, StartedEvent& event) {
    event.max_tokens = attempt == 0 ? 4000 : 9000;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(script_.calls.size(), 2U);
  EXPECT_EQ(script_.calls[0].max_tokens, std::nullopt);
  EXPECT_EQ(script_.calls[1].max_tokens, 4000U);
}

TEST_F(GenerationTest, GoesOnWhereThereIsRoomForTheAnswer) {
  Serve({"a:1", "b:1", "c:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt == 0 && index == 2) return Unavailable("killed");
    if (attempt == 1) return BadField("messages", "context_length_exceeded", "too long");
    return std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 3U);
}

TEST_F(GenerationTest, WaitsForTheOnlyCoordinatorToComeBack) {
  Serve({"a:1"});
  script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt != 0 || index != 3) return std::nullopt;
    script_.up["a:1"] = false;
    return Unavailable("killed");
  };
  loop_.After(Seconds(5), [&] { script_.up["a:1"] = true; });
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.back().resume_tokens.size(), 3U);
}

TEST_F(GenerationTest, WaitsForAFirstCoordinator) {
  script_.up["a:1"] = false;
  set_.SetAddresses({"a:1"});
  loop_.After(Seconds(3), [&] { script_.up["a:1"] = true; });
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
}

TEST_F(GenerationTest, AStreamThatOpensWhilePausedIsNotReadEither) {
  script_.up["a:1"] = false;
  set_.SetAddresses({"a:1"});
  loop_.After(Seconds(3), [&] { script_.up["a:1"] = true; });
  Begin();
  generation_->SetPaused(true);
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(20));
  EXPECT_EQ(script_.calls.size(), 1U);
  EXPECT_TRUE(recorder_.tokens.empty());
  generation_->SetPaused(false);
  RunToEnd();
  ExpectWholeAnswer();
}

TEST_F(GenerationTest, GivesUpWaitingAtTheLimit) {
  script_.up["a:1"] = false;
  set_.SetAddresses({"a:1"});
  Begin();
  const TimePoint begin = loop_.Now();
  RunToEnd();
  EXPECT_EQ(recorder_.failure.code(), StatusCode::kUnavailable);
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "coordinator_unavailable");
  EXPECT_EQ(loop_.Now() - begin, parts_.options.wait_limit);
}

TEST_F(GenerationTest, DoesNotReplayWhatTheCoordinatorDecided) {
  Serve({"a:1", "b:1"});
  const Status refusals[] = {
      BadField("prompt", "context_length_exceeded", "too long"),
      FailedPrecondition("no"),
      NotFound("no such model"),
  };
  for (const Status& refusal : refusals) {
    recorder_ = Recorder();
    const size_t calls = script_.calls.size();
    script_.fault = [&](size_t, const std::string&, int) { return std::optional(refusal); };
    Begin();
    RunToEnd();
    EXPECT_EQ(recorder_.failure, refusal);
    EXPECT_EQ(script_.calls.size(), calls + 1);
  }
}

TEST_F(GenerationTest, GoesOnWithWhoeverHasTheLostExpert) {
  Serve({"a:1", "b:1"});
  const Status lost =
      WithDetail(Unavailable("expert 3 is gone"), ErrorDetail{.code = "expert_unavailable"});
  script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    return attempt == 0 && index == 2 ? std::optional(lost) : std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(script_.calls.size(), 2U);
  EXPECT_EQ(set_.up_count(), 2U) << "nobody died";
}

TEST_F(GenerationTest, FailsAtOnceWhenNobodyHasTheLostExpert) {
  Serve({"a:1", "b:1", "c:1"});
  const Status lost =
      WithDetail(Unavailable("expert 3 is gone"), ErrorDetail{.code = "expert_unavailable"});
  script_.fault = [&](size_t, const std::string&, int index) -> std::optional<Status> {
    return index == 2 ? std::optional(lost) : std::nullopt;
  };
  script_.lacks_expert["c:1"] = true;
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(2));
  Begin();
  RunToEnd();
  EXPECT_EQ(recorder_.failure, lost);
  EXPECT_EQ(script_.calls.size(), 2U) << "both that said they had it were asked, once";
}

TEST_F(GenerationTest, GoesOnWhenACoordinatorDrainsInMidStream) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt != 0 || index != 3) return std::nullopt;
    return WithDetail(Unavailable("stopping"), ErrorDetail{.code = "draining"});
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(script_.calls.size(), 2U);
  EXPECT_EQ(script_.calls.back().resume_tokens.size(), 3U);
  EXPECT_NE(script_.addresses[0], script_.addresses[1]);
  EXPECT_EQ(set_.up_count(), 2U) << "it did not die";
}

TEST_F(GenerationTest, AsksAnotherWhenOneDrains) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t, const std::string& address, int) -> std::optional<Status> {
    if (address != "a:1") return std::nullopt;
    return WithDetail(Unavailable("stopping"), ErrorDetail{.code = "draining"});
  };
  for (int i = 0; i < 3; ++i) {
    recorder_ = Recorder();
    Begin();
    RunToEnd();
    ExpectWholeAnswer();
  }
  EXPECT_EQ(set_.up_count(), 2U);
}

TEST_F(GenerationTest, SaysOverloadedWhenAllAre) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t, const std::string&, int) {
    return std::optional(ResourceExhausted("queue full"));
  };
  Begin();
  RunToEnd();
  EXPECT_EQ(recorder_.failure.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(script_.calls.size(), 2U);
}

TEST_F(GenerationTest, AsksEveryCoordinatorBeforeItSaysOverloaded) {
  Serve({"a:1", "b:1", "c:1"});
  // One dies before it began, so that fewer are up than have been tried with the next.
  script_.fault = [](size_t attempt, const std::string&, int) -> std::optional<Status> {
    if (attempt == 0) return Unavailable("killed");
    if (attempt == 1) return ResourceExhausted("queue full");
    return std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 3U);
}

TEST_F(GenerationTest, WaitsForFullCoordinatorsOnceSomethingWasDelivered) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t attempt, const std::string&, int) -> std::optional<Status> {
    return attempt < 6 ? std::optional<Status>(ResourceExhausted("queue full")) : std::nullopt;
  };
  GenerateCall call;
  call.sampling.seed = 42;
  generation_ =
      std::make_unique<Generation>(parts_, std::move(call), loop_.Now() + Seconds(60), recorder_);
  generation_->SetPatient();
  generation_->Start();
  RunToEnd();
  ExpectWholeAnswer();
}

TEST_F(GenerationTest, NeverGoesOnWithACoordinatorThatReadsTheRequestDifferently) {
  Serve({"a:1", "b:1", "c:1"});
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    return attempt == 0 && index == 2 ? std::optional(Unavailable("killed")) : std::nullopt;
  };
  script_.forge_start = [](size_t attempt, StartedEvent& event) {
    if (attempt == 1) ++event.prompt_tokens;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  ASSERT_EQ(script_.calls.size(), 3U);
  EXPECT_EQ(script_.calls[2].resume_tokens.size(), 2U);
}

TEST_F(GenerationTest, ReplaysWhenIndexesJumpOrRepeat) {
  for (const int shift : {1, -1}) {
    Serve({"a:1", "b:1"});
    recorder_ = Recorder();
    const size_t first = script_.calls.size();
    script_.forge = [=](size_t attempt, TokenEvent& event) {
      if (attempt == first && event.index == 2) event.index += static_cast<uint32_t>(shift);
    };
    Begin();
    RunToEnd();
    ExpectWholeAnswer();
    EXPECT_EQ(script_.calls.size(), first + 2);
  }
}

TEST_F(GenerationTest, LeavesASilentCoordinatorOnlyForAnother) {
  Serve({"a:1"});
  script_.silent["a:1"] = true;
  script_.up["a:1"] = false;
  Begin();
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(100));
  EXPECT_EQ(script_.calls.size(), 1U) << "nobody else could do better";
  set_.SetAddresses({"a:1", "b:1"});
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.addresses.back(), "b:1");
}

TEST_F(GenerationTest, StaysWithASilentCoordinatorThatServes) {
  Serve({"a:1", "b:1"});
  script_.silent["a:1"] = script_.silent["b:1"] = true;  // a long prompt, or a long queue
  Begin();
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(300));
  EXPECT_EQ(script_.calls.size(), 1U);
  EXPECT_EQ(set_.up_count(), 2U) << "nor is it taken for broken";
  const std::string busy = script_.addresses.front();
  const std::string other = busy == "a:1" ? "b:1" : "a:1";
  script_.silent[other] = false;
  script_.up[busy] = false;  // now it is gone
  const TimePoint gone = loop_.Now();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.addresses.back(), other);
  EXPECT_LT(loop_.Now() - gone, parts_.options.silence_limit);
}

TEST_F(GenerationTest, LeavesAStoppedCoordinatorAtTheLimit) {
  Serve({"a:1", "b:1"});
  Begin();
  loop_.RunUntil([&] { return recorder_.tokens.size() == 2; }, loop_.Now() + Seconds(1));
  const TimePoint stopped = loop_.Now();
  script_.silent[script_.addresses.front()] = true;
  script_.up[script_.addresses.front()] = false;
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_LT(loop_.Now() - stopped, parts_.options.silence_limit + Seconds(1));
}

TEST_F(GenerationTest, GivesUpAtTheWaitLimitWhenNobodyCanBeReached) {
  Serve({"a:1", "b:1"});
  script_.fault = [](size_t, const std::string&, int) -> std::optional<Status> {
    return Unavailable("connection refused");
  };
  Begin();
  const TimePoint begin = loop_.Now();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "coordinator_unavailable");
  EXPECT_EQ(Message(recorder_.failure), "no coordinator could take the request") << "no address";
  EXPECT_LT(loop_.Now() - begin, parts_.options.wait_limit + Seconds(2));
}

TEST_F(GenerationTest, EndsAtItsDeadline) {
  Serve({"a:1"});
  script_.silent["a:1"] = true;
  Begin({}, Seconds(7));
  const TimePoint begin = loop_.Now();
  RunToEnd();
  EXPECT_EQ(recorder_.failure.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "timeout");
  EXPECT_EQ(loop_.Now() - begin, Seconds(7));
  EXPECT_EQ(script_.open_streams, 0U);
}

TEST_F(GenerationTest, CancelsWhenDestroyedInsideACallback) {
  Serve({"a:1"});
  recorder_.on_token = [&] { generation_.reset(); };
  Begin();
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(5));
  EXPECT_EQ(recorder_.tokens.size(), 1U);
  EXPECT_EQ(recorder_.ends, 0);
  EXPECT_EQ(script_.open_streams, 0U);
}

TEST_F(GenerationTest, ReadsNothingWhilePaused) {
  Serve({"a:1", "b:1"});
  Begin();
  loop_.RunUntil([&] { return recorder_.tokens.size() == 2; }, loop_.Now() + Seconds(1));
  generation_->SetPaused(true);
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(100));
  EXPECT_EQ(recorder_.tokens.size(), 2U) << "nor is it taken for silent";
  generation_->SetPaused(false);
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 1U);
}

}  // namespace
}  // namespace windrose::router
