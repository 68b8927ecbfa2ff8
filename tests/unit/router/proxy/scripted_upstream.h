// A cluster of coordinators that follow a script, in virtual time. Its answer is a pure function of
// the call, as a real coordinator's is, so an unbroken answer can be told from a broken one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "router/upstream/coordinator_client.h"
#include "router/upstream/coordinator_set.h"
#include "tests/support/manual_event_loop.h"

namespace windrose::router {

class CountingEntropy final : public Entropy {
 public:
  uint64_t Next() override { return next_ += 0x9E3779B97F4A7C15ULL; }

 private:
  uint64_t next_ = 0;
};

struct Script {
  uint32_t token_count = 5;
  Duration token_time = Milliseconds(10);
  // Asked before each event of each attempt: index -1 is Started, token_count is Finished.
  std::function<std::optional<Status>(size_t attempt, const std::string& address, int index)> fault;
  // Change an event before it is sent.
  std::function<void(size_t attempt, TokenEvent&)> forge;
  std::function<void(size_t attempt, StartedEvent&)> forge_start;
  std::map<std::string, bool> up;      // by address; missing: up
  std::map<std::string, bool> silent;  // streams of these send nothing
  bool says_taken = false;             // before any event; older coordinators do not
  bool skips_start = false;            // the first attempt begins with a token
  std::optional<Status> unary_refusal;
  std::map<std::string, bool> lacks_expert;
  std::map<std::string, bool> idle;    // these answer probes, and do not serve
  uint32_t context_length = 0;         // told in probes
  std::vector<GenerateCall> calls;     // seen, in order
  std::vector<std::string> addresses;  // of calls
  size_t open_streams = 0;
  size_t paused_streams = 0;
};

inline TokenId TrueToken(uint64_t seed, uint32_t index) {
  return TokenId(static_cast<uint32_t>((seed * 31 + index * 7) % 1000));
}

inline std::string TrueText(uint64_t seed, uint32_t index) {
  std::string text = "t";
  text += std::to_string(TrueToken(seed, index).value());
  text += ' ';
  return text;
}

class ScriptedStream final : public UpstreamStream {
 public:
  ScriptedStream(ManualEventLoop& loop, Script& script, std::string address, GenerateCall call,
                 GenerationListener& listener)
      : loop_(loop),
        script_(script),
        attempt_(script.calls.size()),
        address_(std::move(address)),
        call_(std::move(call)),
        listener_(listener) {
    ++script_.open_streams;
    script_.calls.push_back(call_);
    script_.addresses.push_back(address_);
    Next([this] { SendStarted(); });
  }
  ~ScriptedStream() override { --script_.open_streams; }

  void SetPaused(bool paused) override {
    paused_ = paused;
    if (!paused && waiting_) std::exchange(waiting_, nullptr)();
  }
  bool Taken() const override { return taken_; }

 private:
  void Next(std::function<void()> step) {
    loop_.After(script_.token_time, [this, step, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.lock() == nullptr || script_.silent[address_]) return;
      if (paused_) {
        waiting_ = step;
      } else {
        step();
      }
    });
  }
  bool Broken(int index) {
    if (!script_.fault) return false;
    const auto fault = script_.fault(attempt_, address_, index);
    if (fault.has_value()) listener_.OnFailed(*fault);
    return fault.has_value();
  }
  void SendStarted() {
    taken_ = script_.says_taken;
    if (Broken(-1)) return;
    taken_ = true;
    Next([this] { SendToken(static_cast<uint32_t>(call_.resume_tokens.size())); });
    StartedEvent event{
        .model = "demo", .prompt_tokens = 3, .prompt = {}, .system_fingerprint = "fp"};
    if (script_.skips_start && attempt_ == 0) return;
    if (script_.forge_start) script_.forge_start(attempt_, event);
    listener_.OnStarted(std::move(event));
  }
  void SendToken(uint32_t index) {
    if (index >= script_.token_count) return SendFinished();
    if (Broken(static_cast<int>(index))) return;
    TokenEvent event{.id = TrueToken(call_.sampling.seed.value_or(0), index), .index = index};
    event.text = TrueText(call_.sampling.seed.value_or(0), index);
    if (script_.forge) script_.forge(attempt_, event);
    Next([this, index] { SendToken(index + 1); });
    listener_.OnToken(std::move(event));
  }
  void SendFinished() {
    if (Broken(static_cast<int>(script_.token_count))) return;
    listener_.OnFinished(FinishedEvent{.reason = FinishReason::kLength,
                                       .text = "",
                                       .stop_string = "",
                                       .prompt_tokens = 3,
                                       .generated_tokens = script_.token_count});
  }

  ManualEventLoop& loop_;
  Script& script_;
  const size_t attempt_;
  const std::string address_;
  const GenerateCall call_;
  GenerationListener& listener_;
  bool paused_ = false;
  bool taken_ = false;
  std::function<void()> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class ScriptedClient final : public CoordinatorClient {
 public:
  ScriptedClient(ManualEventLoop& loop, Script& script, std::string address)
      : loop_(loop), script_(script), address_(std::move(address)) {}

  std::unique_ptr<UpstreamStream> Generate(const GenerateCall& call, TimePoint,
                                           GenerationListener& listener) override {
    return std::make_unique<ScriptedStream>(loop_, script_, address_, call, listener);
  }
  void Probe(TimePoint, std::function<void(StatusOr<CoordinatorReport>)> done) override {
    loop_.After(Milliseconds(1), [this, done, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.lock() == nullptr) return done(Cancelled("gone"));
      if (script_.up.contains(address_) && !script_.up[address_]) return done(Unavailable("down"));
      const bool ready = !script_.lacks_expert[address_];
      done(CoordinatorReport{
          .serving = !script_.idle[address_],
          .models = {
              ModelInfo{.id = "demo", .context_length = script_.context_length, .ready = ready}}});
    });
  }
  void Tokenize(const TokenizeCall&, TimePoint,
                std::function<void(StatusOr<Tokenized>)> done) override {
    Answer<Tokenized>(std::move(done), Tokenized{.ids = {TokenId(1)}, .pieces = {"x"}});
  }
  void Detokenize(const DetokenizeCall&, TimePoint,
                  std::function<void(StatusOr<std::string>)> done) override {
    Answer<std::string>(std::move(done), "text");
  }

 private:
  template <typename Result>
  void Answer(std::function<void(StatusOr<Result>)> done, Result result) {
    const bool up = !script_.up.contains(address_) || script_.up[address_];
    loop_.Post([this, done, result, up] {
      if (script_.unary_refusal.has_value()) return done(*script_.unary_refusal);
      up ? done(result) : done(Unavailable("down"));
    });
  }

  ManualEventLoop& loop_;
  Script& script_;
  const std::string address_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

inline CoordinatorSet::Parts ScriptedParts(ManualEventLoop& loop, Script& script, Entropy& entropy,
                                           Log& log, UpstreamProbe probe = {}) {
  return {.loop = loop,
          .entropy = entropy,
          .log = log,
          .make_client =
              [&loop, &script](const std::string& address) {
                return std::make_unique<ScriptedClient>(loop, script, address);
              },
          .probe = std::move(probe)};
}

}  // namespace windrose::router
