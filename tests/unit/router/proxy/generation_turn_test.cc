// When a generation is a suspect, and how it keeps and ends its turn.
#include <gtest/gtest.h>

#include "router/proxy/generation.h"
#include "router/values/error_detail.h"
#include "tests/unit/router/proxy/generation_fixture.h"

namespace windrose::router {
namespace {

class GenerationTurnTest : public GenerationTest {
 protected:
  // Whoever takes it first dies, so often; then `more` happens to it.
  void Kill(size_t deaths, const std::vector<Status>& more = {}) {
    script_.says_taken = true;
    std::vector<Status> failures(deaths, Unavailable("killed"));
    failures.insert(failures.end(), more.begin(), more.end());
    FailAttempts(std::move(failures));
  }
  // Another suspect has the turn.
  uint64_t OtherSuspect() {
    const uint64_t other = suspects_.Enter([] {});
    Pass(Milliseconds(1));
    return other;
  }
  // Another suspect comes as the fourth attempt begins, and finds so many tokens in its turn.
  void AddSuspectAtTheFourthAttempt() {
    script_.fault = [this, fault = script_.fault](size_t attempt, const std::string& address,
                                                  int index) -> std::optional<Status> {
      if (attempt == 3 && index == -1) {
        suspects_.Enter([this] { tokens_at_next_turn_ = recorder_.tokens.size(); });
      }
      return fault(attempt, address, index);
    };
  }

  std::optional<size_t> tokens_at_next_turn_;
};

TEST_F(GenerationTurnTest, ASuspectHoldsNothingWhileAnotherHasTheTurn) {
  Serve({"a:1"});
  const uint64_t other = OtherSuspect();
  Kill(3);
  Begin();
  Pass(Seconds(1));
  EXPECT_EQ(script_.calls.size(), 3U);
  EXPECT_EQ(script_.open_streams, 0U);
  EXPECT_EQ(set_.up_count(), 1U);
  EXPECT_EQ(Outstanding(), 0U);
  suspects_.Leave(other);
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(script_.calls.size(), 4U);
}

TEST_F(GenerationTurnTest, NobodyIsASuspectBeforeTheLastDeathButOne) {
  Serve({"a:1", "b:1", "c:1"});
  OtherSuspect();
  Kill(2);
  Begin();
  RunToEnd(Seconds(1));
  ExpectWholeAnswer();
}

TEST_F(GenerationTurnTest, NobodyIsASuspectWithoutADeath) {
  Serve({"a:1", "b:1"});
  parts_.options.death_limit = 1;
  OtherSuspect();
  FailAttempts({Draining()});
  Begin();
  RunToEnd(Seconds(1));
  ExpectWholeAnswer();
}

TEST_F(GenerationTurnTest, ASuspectKeepsItsTurnWhenItIsRefused) {
  Serve({"a:1", "b:1"});
  Kill(3, {Draining()});
  Begin();
  RunToEnd(Seconds(1));
  ExpectWholeAnswer();
}

TEST_F(GenerationTurnTest, AFirstTokenEndsTheTurn) {
  Serve({"a:1", "b:1"});
  Kill(3);
  AddSuspectAtTheFourthAttempt();
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  EXPECT_EQ(tokens_at_next_turn_, 1U);
}

TEST_F(GenerationTurnTest, AnAnswerWithoutTokensEndsTheTurn) {
  Serve({"a:1", "b:1"});
  script_.token_count = 0;
  Kill(3);
  AddSuspectAtTheFourthAttempt();
  Begin();
  RunToEnd();
  ExpectWholeAnswer();
  Pass(Milliseconds(1));
  EXPECT_TRUE(tokens_at_next_turn_.has_value());
}

TEST_F(GenerationTurnTest, QuarantineEndsTheTurn) {
  Serve({"a:1", "b:1"});
  Kill(4);
  AddSuspectAtTheFourthAttempt();
  Begin();
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "request_quarantined");
  Pass(Milliseconds(1));
  EXPECT_TRUE(tokens_at_next_turn_.has_value());
}

TEST_F(GenerationTurnTest, WhatEndsBeforeItsTurnIsNotTriedInIt) {
  Serve({"a:1", "b:1"});
  const uint64_t other = OtherSuspect();
  Kill(3);
  Begin({}, Seconds(5));
  RunToEnd();
  EXPECT_EQ(ErrorCodeOf(recorder_.failure), "timeout");
  suspects_.Leave(other);
  Pass(Seconds(1));
  EXPECT_EQ(script_.calls.size(), 3U);
  EXPECT_EQ(recorder_.ends, 1);
}

}  // namespace
}  // namespace windrose::router
