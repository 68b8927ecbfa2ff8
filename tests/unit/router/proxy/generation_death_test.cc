#include <gtest/gtest.h>

#include "router/proxy/generation.h"
#include "router/values/error_detail.h"
#include "tests/unit/router/proxy/generation_fixture.h"

namespace windrose::router {
namespace {

TEST_F(GenerationTest, SurvivesADeathAfterEveryToken) {
  script_.token_count = 12;
  Serve({"a:1", "b:1"});
  // Each attempt emits one token and dies: progress, so never quarantine.
  script_.fault = [&](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    const int resumed = static_cast<int>(script_.calls[attempt].resume_tokens.size());
    if (index > resumed) return Internal("stream reset");
    return std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 13U);
}

TEST_F(GenerationTest, QuarantinesARequestThatKillsCoordinators) {
  Serve({"a:1", "b:1", "c:1"});
  script_.fault = [](size_t, const std::string&, int index) -> std::optional<Status> {
    if (index == 1) return Unavailable("killed");
    return std::nullopt;
  };
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "request_quarantined");
  EXPECT_EQ(recorder_.tokens.size(), 1U);
  // The first attempt made progress; then as many deaths as the limit says.
  EXPECT_EQ(script_.calls.size(), size_t{parts_.options.death_limit});
  EXPECT_EQ(script_.open_streams, 0U);
}

TEST_F(GenerationTest, SilenceNeverQuarantines) {
  Serve({"a:1", "b:1", "c:1"});
  for (const char* address : {"a:1", "b:1", "c:1"}) script_.silent[address] = true;
  Begin();
  // Whoever has the request stops, and is back once the request has left it.
  for (size_t turn = 1; turn <= 8; ++turn) {
    script_.up[script_.addresses.back()] = false;
    loop_.RunUntil([&] { return script_.calls.size() > turn; }, loop_.Now() + Seconds(60));
    ASSERT_EQ(script_.calls.size(), turn + 1);
    for (auto& [address, up] : script_.up) up = true;
    loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(2));
  }
  EXPECT_EQ(recorder_.ends, 0);
}

TEST_F(GenerationTest, ARefusedConnectionIsNoDeath) {
  Serve({"a:1", "b:1", "c:1", "d:1", "e:1"});
  script_.fault = [&](size_t attempt, const std::string&, int) -> std::optional<Status> {
    if (attempt < 4) return Unavailable("connection refused");
    return std::nullopt;
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 5U);
}

TEST_F(GenerationTest, QuarantinesARequestThatKillsWhoeverTakesItBeforeAnyEvent) {
  Serve({"a:1", "b:1", "c:1"});
  script_.says_taken = true;
  script_.fault = [](size_t, const std::string&, int) {
    return std::optional(Unavailable("killed"));
  };
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "request_quarantined");
  EXPECT_EQ(recorder_.started, 0);
  EXPECT_EQ(script_.calls.size(), size_t{parts_.options.death_limit});
}

TEST_F(GenerationTest, ARefusalOfWhatWasTakenIsNoDeath) {
  Serve({"a:1", "b:1"});
  script_.says_taken = true;
  script_.fault = [](size_t attempt, const std::string&, int) -> std::optional<Status> {
    if (attempt >= 8) return std::nullopt;
    return WithDetail(Unavailable("stopping"), ErrorDetail{.code = "draining"});
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 9U);
}

TEST_F(GenerationTest, WaitsAnewForTheReturnOfWhoeverHadTakenIt) {
  Serve({"a:1"});
  script_.says_taken = true;
  script_.token_time = parts_.options.wait_limit + Seconds(10);  // an echo with log-probabilities
  script_.fault = [&](size_t attempt, const std::string&, int) -> std::optional<Status> {
    if (attempt > 0) return std::nullopt;
    script_.token_time = Milliseconds(10);
    script_.up["a:1"] = false;
    loop_.After(Seconds(5), [&] { script_.up["a:1"] = true; });
    return Unavailable("killed");
  };
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
}

}  // namespace
}  // namespace windrose::router
