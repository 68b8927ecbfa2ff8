// Generation: one continuation that outlives the coordinators that compute it.
//
// It remembers the prompt, the seed and the token ids that were emitted. When a coordinator breaks
// the stream, it asks another one, or the same one once it is back, to go on behind the emitted
// tokens, and checks that the indexes go on too; its listener sees one unbroken generation. A
// generation that was in flight at `death_limit` deaths in a row without a new token between them
// is given up: it may be what they died of. Before the last of them it is tried while no other
// suspect is (SuspectQueue). Only who had it died of it: a coordinator that had not taken it, or
// fell silent, is left without counting. Loop thread only; the listener may destroy it inside a
// callback.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/base/event_loop.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/net/backoff.h"
#include "router/proxy/router_probe.h"
#include "router/proxy/suspect_queue.h"
#include "router/upstream/coordinator_set.h"
#include "router/values/generation_values.h"

namespace windrose::router {

struct ReplayOptions {
  Duration silence_limit = Seconds(30);  // without an event or a good probe, if another is up
  Duration wait_limit = Seconds(60);     // for a coordinator that takes the generation
  uint32_t death_limit = 4;              // in a row, then quarantine
  Duration suspect_turn = Seconds(30);   // for a suspect to make a token while it is the only one
  BackoffPolicy pause;                   // between attempts when no other coordinator is up
};

class Generation final : private GenerationListener {
 public:
  // What generations share; all must outlive them.
  struct Parts {
    EventLoop& loop;
    CoordinatorSet& coordinators;
    SuspectQueue& suspects;
    Entropy& entropy;
    Log& log;
    const RouterProbe& probe;
    ReplayOptions options;
  };

  // `call` gets a seed when it has none, so that a replay draws the same tokens. `listener` must
  // outlive this. Nothing happens before Start.
  Generation(Parts& parts, GenerateCall call, TimePoint deadline, GenerationListener& listener);
  ~Generation() override;  // cancels
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  void Start();

  // Something of the request was delivered: it waits for full coordinators rather than fail.
  void SetPatient() { patient_ = true; }

  // While paused the coordinator is not read; nothing counts as silence.
  void SetPaused(bool paused);

 private:
  void OnStarted(StartedEvent event) override;
  void OnToken(TokenEvent event) override;
  void OnFinished(FinishedEvent event) override;
  void OnFailed(const Status& status) override;

  void Attempt();
  void Open();
  void AfterDeath(const Status& status);
  void Leave(const Status& status);
  void NoteBroken(const Status& status);
  void NoteRefused(const Status& status);
  void AfterRefusal(const Status& status);
  void AfterExpertLoss(const Status& status);
  bool IsSuspect() const { return deaths_ > 0 && deaths_ + 1 == parts_.options.death_limit; }
  void AwaitTurn();
  void EndTurn();
  void TryAgain();
  void PauseThenAttempt();
  void GiveUpAfterWait();
  void WatchSilence(Duration delay);
  void CheckSilence();
  bool SameAnswer(const StartedEvent& event) const;
  void Close();
  void Fail(const Status& status);
  void CancelTimers();

  Parts& parts_;
  GenerateCall call_;
  const TimePoint deadline_;
  GenerationListener& listener_;

  CoordinatorLease lease_;
  std::unique_ptr<UpstreamStream> stream_;
  std::optional<StartedEvent> started_;  // the first one, without the prompt
  std::set<std::string> avoid_;          // addresses that failed since the last token or pause
  Status last_failure_;
  uint32_t deaths_ = 0;      // in a row
  uint64_t suspect_id_ = 0;  // 0: has no turn and waits for none
  uint32_t attempts_ = 0;    // without a new token
  bool paused_ = false;
  bool patient_ = false;
  std::optional<TimePoint> waiting_since_;  // for a coordinator that takes it
  TimePoint last_event_;
  TimePoint last_token_;
  uint64_t deadline_timer_ = 0;
  uint64_t silence_timer_ = 0;
  uint64_t pause_timer_ = 0;
  uint64_t wait_timer_ = 0;
  uint64_t await_id_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what the set posts
};

}  // namespace windrose::router
