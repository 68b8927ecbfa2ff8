// One Generation over scripted coordinators, in virtual time, and what its listener saw.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "router/proxy/generation.h"
#include "router/values/error_detail.h"
#include "tests/unit/router/proxy/scripted_cluster.h"

namespace windrose::router {

struct Recorder final : GenerationListener {
  void OnStarted(StartedEvent event) override {
    ++started;
    model = event.model;
  }
  void OnToken(TokenEvent event) override {
    tokens.push_back(event);
    text += event.text;
    if (on_token) on_token();
  }
  void OnFinished(FinishedEvent event) override {
    finished = event;
    ++ends;
  }
  void OnFailed(const Status& status) override {
    failure = status;
    ++ends;
  }

  int started = 0;
  int ends = 0;
  std::string model;
  std::string text;
  std::vector<TokenEvent> tokens;
  std::optional<FinishedEvent> finished;
  Status failure;
  std::function<void()> on_token;
};

inline Status Draining() {
  return WithDetail(Unavailable("stopping"),
                    ErrorDetail{.code = "draining", .param = "", .retry_after_ms = 0});
}

class GenerationTest : public ScriptedClusterTest {
 protected:
  void Begin(GenerateCall call = {}, Duration deadline = Seconds(600)) {
    if (!call.sampling.seed.has_value()) call.sampling.seed = 42;
    generation_ =
        std::make_unique<Generation>(parts_, std::move(call), loop_.Now() + deadline, recorder_);
    generation_->Start();
  }
  void RunToEnd(Duration limit = Seconds(700)) {
    loop_.RunUntil([&] { return recorder_.ends > 0; }, loop_.Now() + limit);
  }
  // The first attempts end so, before any event.
  void FailAttempts(std::vector<Status> failures) {
    script_.fault = [failures = std::move(failures)](size_t attempt, const std::string&,
                                                     int index) -> std::optional<Status> {
      if (index != -1 || attempt >= failures.size()) return std::nullopt;
      return failures[attempt];
    };
  }
  double Errors(const std::string& address) {
    return Counted("backend_errors_total{coordinator=\"" + address + "\"}");
  }
  void ExpectWholeAnswer() {
    EXPECT_EQ(recorder_.started, 1);
    EXPECT_EQ(recorder_.ends, 1);
    ASSERT_TRUE(recorder_.finished.has_value()) << ToString(recorder_.failure);
    ASSERT_EQ(recorder_.tokens.size(), script_.token_count);
    for (uint32_t i = 0; i < script_.token_count; ++i) {
      EXPECT_EQ(recorder_.tokens[i].index, i);
      EXPECT_EQ(recorder_.tokens[i].id, TrueToken(42, i));
    }
  }

  SuspectQueue suspects_{loop_, ReplayOptions{}.suspect_turn};
  Generation::Parts parts_{.loop = loop_,
                           .coordinators = set_,
                           .suspects = suspects_,
                           .entropy = entropy_,
                           .log = log_,
                           .probe = probe_,
                           .options = {}};
  Recorder recorder_;
  std::unique_ptr<Generation> generation_;
};

}  // namespace windrose::router
