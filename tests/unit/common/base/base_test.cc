// The small things of common/base, each by its behaviour.
#include <sys/resource.h>

#include <atomic>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <thread>

#include "common/base/background_task.h"
#include "common/base/bounded_queue.h"
#include "common/base/ids.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/thread_event_loop.h"
#include "common/base/thread_pool.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace windrose {
namespace {

StatusOr<int> Half(int number) {
  if (number % 2 != 0)
    return InvalidArgument("wanted an even number, got " + std::to_string(number));
  return number / 2;
}

StatusOr<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(Status, FirstErrorIsReturned) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(Message(Quarter(6).status()), "wanted an even number, got 3");
  EXPECT_EQ(Quarter(7).status().code(), StatusCode::kInvalidArgument);
}

TEST(Status, AnnotateKeepsTheCode) {
  EXPECT_EQ(ToString(Annotate(NotFound("x"), "file a")), "NOT_FOUND: file a: x");
  EXPECT_TRUE(Annotate(OkStatus(), "file a").ok());
}

// Known answers of the reference implementation (Random123, kat_vectors, philox 4x32 10).
TEST(Philox, MatchesTheKnownAnswers) {
  EXPECT_EQ(Philox(0, {0, 0, 0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox(0xffffffffffffffff, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(UniformAt, IsInRangeAndDependsOnEveryArgument) {
  std::set<double> draws;
  double sum = 0;
  for (uint64_t position = 0; position < 1000; ++position) {
    const double draw = UniformAt(42, position);
    ASSERT_GE(draw, 0.0);
    ASSERT_LT(draw, 1.0);
    sum += draw;
    draws.insert(draw);
  }
  EXPECT_EQ(draws.size(), 1000U);
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
  EXPECT_NE(UniformAt(42, 0), UniformAt(43, 0));
  EXPECT_NE(UniformAt(42, 0, 0), UniformAt(42, 0, 1));
  EXPECT_EQ(UniformAt(42, 7), UniformAt(42, 7));
}

TEST(BoundedQueue, RefusesWhenFullAndKeepsTheItem) {
  BoundedQueue<std::string> queue(2);
  std::string third = "c";
  EXPECT_TRUE(queue.Push("a"));
  EXPECT_TRUE(queue.Push("b"));
  EXPECT_FALSE(queue.Push(std::move(third)));
  EXPECT_EQ(third, "c");  // NOLINT(bugprone-use-after-move): that it is still there.
  EXPECT_EQ(queue.TryPop(), "a");
  EXPECT_TRUE(queue.Push(std::move(third)));
}

TEST(BoundedQueue, CloseLetsTheRestOutAndNothingIn) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.Push(1));
  queue.Close();
  EXPECT_FALSE(queue.Push(2));
  EXPECT_EQ(queue.Pop(TimePoint::max()), 1);
  EXPECT_EQ(queue.Pop(TimePoint::max()), std::nullopt);
}

TEST(ThreadEventLoop, RunsMessagesInOrderAndStopsWhenDone) {
  ManualClock clock;
  ThreadEventLoop loop(clock);
  std::vector<int> ran;
  for (int index = 0; index < 3; ++index) loop.Post([&ran, index] { ran.push_back(index); });
  EXPECT_TRUE(loop.RunUntil([&] { return ran.size() == 2; }, TimePoint::max()));
  EXPECT_EQ(ran, (std::vector<int>{0, 1}));
}

TEST(ThreadEventLoop, TimersRunWhenTheyAreDueAndInOrder) {
  ManualClock clock;
  ThreadEventLoop loop(clock);
  std::vector<int> ran;
  loop.After(Milliseconds(20), [&] { ran.push_back(2); });
  loop.After(Milliseconds(10), [&] { ran.push_back(1); });
  const uint64_t forgotten = loop.After(Milliseconds(5), [&] { ran.push_back(0); });
  loop.CancelTimer(forgotten);
  EXPECT_FALSE(loop.RunUntil([] { return false; }, clock.now));
  EXPECT_TRUE(ran.empty());
  clock.now += Milliseconds(20);
  EXPECT_TRUE(loop.RunUntil([&] { return ran.size() == 2; }, clock.now));
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(ThreadEventLoop, NestedRunsGoOnWithWhatArrives) {
  ManualClock clock;
  ThreadEventLoop loop(clock);
  bool inner = false;
  bool outer = false;
  loop.Post([&] {
    loop.Post([&] { inner = true; });
    EXPECT_TRUE(loop.RunUntil([&] { return inner; }, TimePoint::max()));
    outer = true;
  });
  EXPECT_TRUE(loop.RunUntil([&] { return outer; }, TimePoint::max()));
}

TEST(ThreadEventLoop, AMessageFromAnotherThreadWakesIt) {
  const SystemClock clock;
  ThreadEventLoop loop(clock);
  bool woken = false;
  std::thread poster([&] { loop.Post([&] { woken = true; }); });
  EXPECT_TRUE(loop.RunUntil([&] { return woken; }, TimePoint::max()));
  poster.join();
}

TEST(BackgroundTask, HasNoResultUntilItIsDone) {
  std::atomic<bool> go{false};
  const BackgroundTask task([&go](const std::atomic<bool>&) {
    while (!go.load()) std::this_thread::yield();
    return DataLoss("found");
  });
  EXPECT_FALSE(task.result().has_value());
  go = true;
  while (!task.result().has_value()) std::this_thread::yield();
  EXPECT_EQ(task.result()->code(), StatusCode::kDataLoss);
}

TEST(BackgroundTask, TellsOnceItHasAResult) {
  const BackgroundTask* told = nullptr;
  std::atomic<bool> go{false};
  std::optional<Status> result;
  {
    const BackgroundTask task(
        [&go](const std::atomic<bool>&) {
          while (!go.load()) std::this_thread::yield();
          return OkStatus();
        },
        BackgroundTask::Priority::kNormal, [&] { result = told->result(); });
    told = &task;
    go = true;
  }
  EXPECT_EQ(result, OkStatus());
}

TEST(BackgroundTask, IsNiceUnlessItIsToldNotToBe) {
  const int own = getpriority(PRIO_PROCESS, 0);
  for (const auto priority :
       {BackgroundTask::Priority::kNormal, BackgroundTask::Priority::kLowest}) {
    int seen = -100;
    {
      const BackgroundTask task(
          [&seen](const std::atomic<bool>&) {
            seen = getpriority(PRIO_PROCESS, 0);
            return OkStatus();
          },
          priority);
    }
    EXPECT_EQ(seen, priority == BackgroundTask::Priority::kNormal ? own : 19);
  }
}

TEST(BackgroundTask, IsStoppedByItsOwnersEnd) {
  bool stopped = false;
  {
    const BackgroundTask task([&stopped](const std::atomic<bool>& stop) {
      while (!stop.load()) std::this_thread::yield();
      stopped = true;
      return OkStatus();
    });
  }
  EXPECT_TRUE(stopped);
}

TEST(ThreadPool, CoversEveryIndexOnceForAnyCountAndGrain) {
  for (const size_t threads : {1U, 2U, 4U}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.thread_count(), threads);
    for (const size_t count : {0U, 1U, 7U, 64U, 1000U}) {
      for (const size_t grain : {1U, 3U, 64U}) {
        std::vector<std::atomic<int>> seen(count);
        pool.ParallelFor(count, grain, [&](size_t begin, size_t end) {
          for (size_t index = begin; index < end; ++index) ++seen[index];
        });
        for (const auto& times : seen) ASSERT_EQ(times.load(), 1);
      }
    }
  }
}

// Whoever takes them: how long a range is depends on where it begins.
TEST(ThreadPool, RangesAreLongAtFirstAndAGrainAtLast) {
  ThreadPool pool(2);
  Mutex mutex;
  std::map<size_t, size_t> ranges;
  pool.ParallelFor(640, 10, [&](size_t begin, size_t end) {
    MutexLock lock(mutex);
    ranges[begin] = end - begin;
  });
  size_t before = 80;  // a quarter of half
  EXPECT_EQ(ranges[0], before);
  for (const auto& [begin, length] : ranges) {
    EXPECT_EQ(length % 10, 0U);
    EXPECT_LE(length, before);
    before = length;
  }
  EXPECT_EQ(before, 10U);
}

TEST(ThreadPool, ManyForksInARowAllJoin) {
  ThreadPool pool(3);
  std::atomic<size_t> total{0};
  for (int fork = 0; fork < 5000; ++fork) {
    pool.ParallelFor(8, 1, [&](size_t begin, size_t end) { total += end - begin; });
  }
  EXPECT_EQ(total.load(), 40000U);
}

TEST(StrongId, KindsDoNotMixAndOrderByValue) {
  static_assert(!std::is_convertible_v<ExpertId, LayerIndex>);
  static_assert(!std::is_convertible_v<uint32_t, ExpertId>);
  EXPECT_LT(ExpertId(1), ExpertId(2));
  EXPECT_EQ(std::hash<ExpertId>()(ExpertId(3)), std::hash<uint32_t>()(3));
}

}  // namespace
}  // namespace windrose
