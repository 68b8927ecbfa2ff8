// The engine with its own thread, while others submit, cancel and stop: for ThreadSanitizer, and
// for the promise that whatever was accepted ends once.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <semaphore>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/thread_event_loop.h"
#include "common/base/thread_pool.h"
#include "coordinator/engine/engine.h"
#include "expert-worker/exec/batch_computer.h"
#include "expert-worker/ffn/grouped_ffn.h"
#include "tests/sim/tiny_model.h"
#include "tests/support/manual_event_loop.h"

namespace windrose {
namespace {

constexpr size_t kClients = 4;
constexpr int kAnswersBeforeStop = 60;

std::vector<ExpertId> AllExperts(uint32_t count) {
  std::vector<ExpertId> experts;
  for (uint32_t expert = 0; expert < count; ++expert) experts.emplace_back(expert);
  return experts;
}

// One worker with all experts, without a network: computes at once, answers through the loop.
class LocalWorker final : public ExpertTransport {
 public:
  LocalWorker(EventLoop& loop, const Checkpoint& checkpoint, ThreadPool& pool)
      : loop_(loop),
        experts_(AllExperts(checkpoint.config().experts)),
        ffn_(checkpoint.config(), checkpoint.Experts(experts_).value(), kTileRows, pool),
        computer_(ffn_, kTileRows, nullptr) {}

  void SetListener(ExpertTransportListener* listener) override {
    listener_ = listener;
    if (listener == nullptr) return;
    listener->OnWorkerUp(WorkerId(0), {.address = "here", .experts = experts_, .max_rows = 4096});
  }
  void Send(WorkerId worker, const wire::CallFrame& call) override {
    const AcceptedCall accepted{.frame = call};
    auto reply = std::make_shared<ComputedReply>(
        std::move(computer_.Compute(std::span(&accepted, 1)).front()));
    loop_.Post([this, worker, reply] { listener_->OnReply(worker, reply->frame); });
  }
  void Reset(WorkerId, const Status& why) override { ADD_FAILURE() << ToString(why); }

 private:
  static constexpr size_t kTileRows = 16;

  EventLoop& loop_;
  const std::vector<ExpertId> experts_;
  GroupedFfn ffn_;
  BatchComputer computer_;
  ExpertTransportListener* listener_ = nullptr;
};

MixtralConfig SmallConfig() {
  MixtralConfig config = TinyMixtralConfig();
  config.vocabulary = 300;
  return config;
}

// A coordinator whose engine has a queue of a few requests.
struct Coordinator {
  EventLoop& loop;
  NullLog log;
  NullEngineObserver observer;
  TinyModel model{SmallConfig(), WINDROSE_SOURCE_DIR};
  const MixtralConfig& config = model.checkpoint().config();
  CoordinatorWeights weights = model.checkpoint().Coordinator().value();
  ThreadPool pool{2};
  LocalWorker worker{loop, model.checkpoint(), pool};
  Dispatcher dispatcher{{.expert_count = config.experts, .hidden = config.hidden},
                        DispatchLimits{},
                        loop,
                        worker,
                        log};
  KvCache kv = KvCache::Create(config, 64, KvCacheType::kF32).value();
  Step step{config, weights, dispatcher, pool, loop};
  Engine engine{{.scheduler = {.max_sequences = 4, .kv_blocks = 64}, .max_waiting = 4},
                {.config = config,
                 .loop = loop,
                 .step = step,
                 .dispatcher = dispatcher,
                 .kv = kv,
                 .tokenizer = model.tokenizer(),
                 .observer = observer,
                 .log = log}};
};

// Of all requests together.
struct Answers {
  int count = 0;  // the engine's thread's
  std::binary_semaphore enough{0};
};

// Counts the ends of one request.
class CountingSink final : public TokenSink {
 public:
  explicit CountingSink(Answers& answers) : answers_(answers) {}

  void OnStarted(std::vector<TokenEvent>) override {}
  void OnToken(TokenEvent) override {}
  void OnFinished(Finish) override {
    ++ends;
    if (++answers_.count == kAnswersBeforeStop) answers_.enough.release();
  }
  void OnError(const Status&) override { ++ends; }

  int ends = 0;  // the engine's thread's

 private:
  Answers& answers_;
};

Request SmallRequest() {
  Request request;
  request.prompt.assign(3, TokenId(5));
  request.max_tokens = 3;
  request.ignore_eos = true;
  return request;
}

// Submits until the engine takes no more, and cancels every third. Returns what was accepted.
std::vector<std::shared_ptr<CountingSink>> Submit(Engine& engine, Answers& answers) {
  std::vector<std::shared_ptr<CountingSink>> accepted;
  while (true) {
    auto sink = std::make_shared<CountingSink>(answers);
    uint64_t ticket = 0;
    const Status status = engine.Submit(SmallRequest(), sink, &ticket);
    if (status.code() == StatusCode::kUnavailable) return accepted;
    if (!status.ok()) {
      EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
      std::this_thread::yield();
      continue;
    }
    accepted.push_back(std::move(sink));
    if (ticket % 3 == 0) engine.Cancel(ticket);
  }
}

TEST(EngineThreads, WhateverWasAcceptedEndsOnceThoughManySubmitCancelAndStop) {
  const SystemClock clock;
  ThreadEventLoop loop(clock);
  Coordinator coordinator{loop};
  Engine& engine = coordinator.engine;
  Answers answers;
  std::vector<std::vector<std::shared_ptr<CountingSink>>> accepted(kClients);
  std::thread running([&engine] { engine.Run(); });
  std::vector<std::thread> clients;
  for (auto& sinks : accepted) {
    clients.emplace_back([&] { sinks = Submit(engine, answers); });
  }
  answers.enough.acquire();
  EXPECT_EQ(engine.NotReadyReason(), "");
  engine.Stop();
  for (std::thread& client : clients) client.join();
  running.join();
  for (const auto& sinks : accepted) {
    for (const auto& sink : sinks) EXPECT_EQ(sink->ends, 1);
  }
  EXPECT_EQ(engine.unfinished(), 0U);
}

// A loop that messages reach late: as when a thread is held up just before it posts one.
class LateLoop final : public EventLoop {
 public:
  TimePoint Now() const override { return loop_.Now(); }
  void Post(Task task) override { loop_.After(Milliseconds(1), std::move(task)); }
  uint64_t After(Duration delay, Task task) override { return loop_.After(delay, std::move(task)); }
  void CancelTimer(uint64_t timer_id) override { loop_.CancelTimer(timer_id); }
  bool RunUntil(const std::function<bool()>& done, TimePoint deadline) override {
    return loop_.RunUntil(done, deadline);
  }

 private:
  ManualEventLoop loop_;
};

// Submits a request of no tokens, and another one as soon as it has ended: each ends the moment it
// comes in.
class Resubmitter {
 public:
  explicit Resubmitter(Engine& engine) : engine_(engine) {}

  void Submit() {
    Request request = SmallRequest();
    request.max_tokens = 0;
    uint64_t ticket = 0;
    EXPECT_TRUE(engine_.Submit(std::move(request), std::make_shared<Sink>(*this), &ticket).ok());
  }

  int left = 10000;

 private:
  struct Sink final : TokenSink {
    explicit Sink(Resubmitter& owner_in) : owner(owner_in) {}
    void OnStarted(std::vector<TokenEvent>) override {}
    void OnToken(TokenEvent) override {}
    void OnFinished(Finish) override {
      if (--owner.left > 0) owner.Submit();
    }
    void OnError(const Status&) override {}
    Resubmitter& owner;
  };

  Engine& engine_;
};

TEST(EngineThreads, StepsGoOnThoughWhatArrivesNeverEnds) {
  ManualEventLoop loop;
  Coordinator coordinator{loop};
  Answers answers;
  const auto running = std::make_shared<CountingSink>(answers);
  uint64_t ticket = 0;
  ASSERT_TRUE(coordinator.engine.Submit(SmallRequest(), running, &ticket).ok());
  Resubmitter others(coordinator.engine);
  others.Submit();
  for (int turn = 0; turn < 3; ++turn) coordinator.engine.RunOnce();
  EXPECT_EQ(running->ends, 1);
  EXPECT_GT(others.left, 0);
  others.left = 0;
}

TEST(EngineThreads, WhatIsOnItsWayWhenTheEngineStopsEndsToo) {
  LateLoop loop;
  Coordinator coordinator{loop};
  Answers answers;
  const auto sink = std::make_shared<CountingSink>(answers);
  uint64_t ticket = 0;
  ASSERT_TRUE(coordinator.engine.Submit(SmallRequest(), sink, &ticket).ok());
  coordinator.engine.Stop();
  coordinator.engine.Run();
  EXPECT_EQ(sink->ends, 1);
}

}  // namespace
}  // namespace windrose
