#include "cli/bench/load_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/mutex.h"
#include "scripted_client.h"

namespace windrose::cli {
namespace {

// Notes all requests, and how many ran at a time at most.
struct Server {
  void Begin(const std::string& body) {
    MutexLock lock(mutex);
    bodies.insert(body);
    ++requests;
    ++running;
    if (running > most_running) most_running = running;
    changed.NotifyAll();
  }
  void End() {
    MutexLock lock(mutex);
    --running;
  }
  void WaitForRunning(int count) {
    MutexLock lock(mutex);
    while (most_running < count) changed.Wait(mutex);
  }

  Mutex mutex;
  CondVar changed;
  std::set<std::string> bodies WINDROSE_GUARDED_BY(mutex);
  int requests WINDROSE_GUARDED_BY(mutex) = 0;
  int running WINDROSE_GUARDED_BY(mutex) = 0;
  int most_running WINDROSE_GUARDED_BY(mutex) = 0;
};

class Watcher final : public LoadObserver {
 public:
  bool OnProgress(const LoadProgress& progress) override {
    last = progress;
    return go_on(progress);
  }
  std::function<bool(const LoadProgress&)> go_on = [](const LoadProgress&) { return true; };
  LoadProgress last;
};

class LoadGeneratorTest : public testing::Test {
 protected:
  LevelRun Run(const Level& level, ScriptedClient::Answer answer) {
    LoadGenerator generator(
        options_, [answer] { return std::make_unique<ScriptedClient>(answer); }, clock_);
    return generator.Run(level, watcher_);
  }

  // Answers when `level_concurrency` requests have been there at a time.
  ScriptedClient::Answer TwoTokens(int level_concurrency) {
    return [this, level_concurrency](const HttpClientRequest& request,
                                     const HttpClient::BodyCallback& on_body) {
      server_.Begin(request.body);
      server_.WaitForRunning(level_concurrency);
      on_body(PieceEvent("a"));
      on_body(PieceEvent("b") + EndOfStream(4, 2));
      server_.End();
      return HttpResponse();
    };
  }

  LoadOptions options_{
      .shape = {.model = "demo", .prompt_tokens = 4, .max_tokens = 2, .vocabulary = 100},
      .tick = Milliseconds(1)};
  HandClock clock_;
  Watcher watcher_;
  Server server_;
};

TEST_F(LoadGeneratorTest, SendsEveryRequestOnceSoManyAtATime) {
  const LevelRun run = Run({.concurrency = 4, .requests = 24, .first_ordinal = 3}, TwoTokens(4));
  EXPECT_EQ(run.records.size(), 24U);
  MutexLock lock(server_.mutex);
  EXPECT_EQ(server_.requests, 24);
  EXPECT_EQ(server_.bodies.size(), 24U) << "no prompt twice";
  EXPECT_TRUE(server_.bodies.contains(CompletionBody(options_.shape, 3)));
  EXPECT_TRUE(server_.bodies.contains(CompletionBody(options_.shape, 26)));
  EXPECT_EQ(server_.most_running, 4);
}

TEST_F(LoadGeneratorTest, KeepsTheRecordOfEachRequest) {
  const LevelRun run = Run({.concurrency = 2, .requests = 6}, TwoTokens(2));
  const LevelSummary summary = Summarize(run);
  EXPECT_EQ(summary.ok, 6U);
  EXPECT_EQ(summary.prompt_tokens, 24U);
  EXPECT_EQ(summary.generated_tokens, 12U);
}

TEST_F(LoadGeneratorTest, GoesOnBehindFailures) {
  const LevelRun run = Run({.concurrency = 2, .requests = 6},
                           [](const HttpClientRequest&, const HttpClient::BodyCallback&) {
                             return HttpResponse{.status = 503, .body = "down"};
                           });
  EXPECT_EQ(Summarize(run).failed, 6U);
}

TEST_F(LoadGeneratorTest, ARefusedStreamUsesUpItsShareOfTheRequestsAlone) {
  Mutex mutex;
  CondVar refused_changed;
  int clients = 0;
  int refused = 0;
  // The first stream is served, but not before the others have been refused as often as they may.
  const ClientFactory make_client = [&] {
    const bool is_served = ++clients == 1;
    return std::make_unique<ScriptedClient>(
        [&, is_served](const HttpClientRequest&,
                       const HttpClient::BodyCallback& on_body) -> StatusOr<HttpResponse> {
          MutexLock lock(mutex);
          if (!is_served) {
            ++refused;
            refused_changed.NotifyAll();
            return Unavailable("HTTP 503");
          }
          while (refused < 6) refused_changed.Wait(mutex);
          on_body(PieceEvent("a") + EndOfStream(4, 1));
          return HttpResponse();
        });
  };
  LoadGenerator generator(options_, make_client, clock_);
  const LevelSummary summary =
      Summarize(generator.Run({.concurrency = 4, .requests = 8}, watcher_));
  EXPECT_EQ(summary.failed, 6U);
  EXPECT_EQ(summary.ok, 2U);
}

TEST_F(LoadGeneratorTest, BeginsNothingBehindTheLimit) {
  options_.limit = Milliseconds(100);
  const LevelRun run = Run(
      {.requests = 50}, [this](const HttpClientRequest&, const HttpClient::BodyCallback& on_body) {
        clock_.Move(Milliseconds(40));
        on_body(PieceEvent("a") + EndOfStream(4, 1));
        return HttpResponse();
      });
  EXPECT_EQ(Summarize(run).ok, 3U) << "begun at 0, 40 and 80 ms";
}

TEST_F(LoadGeneratorTest, CutsWhatRunsWhenTheObserverSaysStop) {
  Mutex mutex;
  CondVar stopped_changed;
  bool stopped = false;
  watcher_.go_on = [&](const LoadProgress& progress) {
    if (progress.tokens < 2) return true;  // both streams have begun
    MutexLock lock(mutex);
    stopped = true;
    stopped_changed.NotifyAll();
    return false;
  };
  const LevelRun run = Run({.concurrency = 2, .requests = 50},
                           [&](const HttpClientRequest&,
                               const HttpClient::BodyCallback& on_body) -> StatusOr<HttpResponse> {
                             on_body(PieceEvent("a"));
                             {
                               MutexLock lock(mutex);
                               while (!stopped) stopped_changed.Wait(mutex);
                             }
                             while (on_body(PieceEvent("b"))) {
                             }
                             return Cancelled("the caller stopped reading");
                           });
  EXPECT_EQ(Summarize(run).stopped, 2U);
  EXPECT_EQ(run.records.size(), 2U) << "nothing new begins";
}

TEST_F(LoadGeneratorTest, InterruptsClientsThatWait) {
  watcher_.go_on = [](const LoadProgress&) { return false; };
  // As a connection that waits for an answer that does not come.
  class Waiting final : public HttpClient {
   public:
    StatusOr<HttpResponse> Do(const HttpClientRequest&, const BodyCallback&) override {
      MutexLock lock(mutex_);
      while (!interrupted_) changed_.Wait(mutex_);
      return Cancelled("interrupted");
    }
    void Close() override {}
    void Interrupt() override {
      MutexLock lock(mutex_);
      interrupted_ = true;
      changed_.NotifyAll();
    }

   private:
    Mutex mutex_;
    CondVar changed_;
    bool interrupted_ WINDROSE_GUARDED_BY(mutex_) = false;
  };
  LoadGenerator generator(
      options_, [] { return std::make_unique<Waiting>(); }, clock_);
  const LevelRun run = generator.Run({.concurrency = 3, .requests = 9}, watcher_);
  EXPECT_LE(run.records.size(), 3U);
  EXPECT_EQ(Summarize(run).failed, 0U);
}

TEST_F(LoadGeneratorTest, TellsTheObserverHowFarItIs) {
  Mutex mutex;
  CondVar seen_changed;
  bool seen = false;
  watcher_.go_on = [&](const LoadProgress& progress) {
    if (progress.finished < 3) return true;
    MutexLock lock(mutex);
    seen = true;
    seen_changed.NotifyAll();
    return true;
  };
  int request = 0;
  Run({.requests = 4}, [&](const HttpClientRequest&, const HttpClient::BodyCallback& on_body) {
    if (++request == 4) {
      MutexLock lock(mutex);
      while (!seen) seen_changed.Wait(mutex);
    }
    on_body(PieceEvent("a") + PieceEvent("b") + EndOfStream(4, 2));
    return HttpResponse();
  });
  EXPECT_GE(watcher_.last.finished, 3U);
  EXPECT_GE(watcher_.last.tokens, 6U);
  EXPECT_EQ(watcher_.last.expected_tokens, 8U);
}

}  // namespace
}  // namespace windrose::cli
