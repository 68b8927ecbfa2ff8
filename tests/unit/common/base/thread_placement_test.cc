#include "common/base/thread_placement.h"

#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "common/base/thread_pool.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace windrose {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// On a thread of its own, so that no other test inherits what it does.
void OnAThread(const std::function<void()>& work) { std::thread(work).join(); }

TEST(ThreadPlacement, ReadsListsOfProcessors) {
  EXPECT_THAT(*ParseCpus("0-3,8"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_THAT(*ParseCpus("8,0"), ElementsAre(0, 8));
  EXPECT_THAT(*ParseCpus(""), ElementsAre());
}

TEST(ThreadPlacement, SaysWhatItWantedInstead) {
  for (const char* text : {",", "0,", "a", "1-", "-1", "3-1", "0,0", "0-2,1", "4096", "1 2"}) {
    const Status status = ParseCpus(text).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(Message(status), HasSubstr("wanted")) << text;
  }
}

TEST(ThreadPlacement, AThreadAndThoseItStartsStayWhereTheyWerePut) {
  OnAThread([] {
    const uint32_t last = UsableCpus().back();
    ASSERT_TRUE(RunOnCpus(std::vector<uint32_t>{last}).ok());
    EXPECT_THAT(UsableCpus(), ElementsAre(last));
    OnAThread([last] { EXPECT_THAT(UsableCpus(), ElementsAre(last)); });
  });
}

TEST(ThreadPlacement, RefusesProcessorsThatAreNotThere) {
  OnAThread([] {
    const std::vector<uint32_t> before = UsableCpus();
    const Status status = RunOnCpus(std::vector<uint32_t>{before.front(), 1023});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(status), HasSubstr("wanted processor 1023, usable are"));
    EXPECT_EQ(UsableCpus(), before);
  });
}

TEST(ThreadPlacement, APoolsThreadsStayOnOneProcessorEach) {
  OnAThread([] {
    const std::vector<uint32_t> cpus = UsableCpus();
    ThreadPool pool(cpus.size() + 1, cpus);
    Pin(cpus, 0);
    std::vector<size_t> usable(64);
    pool.ParallelFor(usable.size(), 1, [&](size_t begin, size_t end) {
      for (size_t index = begin; index < end; ++index) usable[index] = UsableCpus().size();
    });
    EXPECT_THAT(usable, testing::Each(1U));
  });
}

TEST(ThreadPlacement, KeepsAThreadOffOneProcessorWhenThereAreOthers) {
  const std::vector<uint32_t> cpus = UsableCpus();
  std::vector<uint32_t> others(cpus.begin() + 1, cpus.end());
  if (others.empty()) others = cpus;
  std::vector<uint32_t> seen;
  std::promise<void> placed;
  std::thread thread([&] {
    placed.get_future().wait();
    seen = UsableCpus();
  });
  KeepOff(thread, cpus, cpus.front());
  placed.set_value();
  thread.join();
  EXPECT_EQ(seen, others);
}

TEST(ThreadPlacement, APoolsThreadsMayShareTheOwnersProcessorOnlyWhenTheyAreTooMany) {
  const std::vector<uint32_t> cpus = UsableCpus();
  ThreadPool pool(cpus.size() + 1);
  for (int fork = 0; fork < 100; ++fork) {
    std::vector<std::vector<uint32_t>> usable(64);
    pool.ParallelFor(usable.size(), 1, [&](size_t begin, size_t end) {
      for (size_t index = begin; index < end; ++index) usable[index] = UsableCpus();
    });
    EXPECT_THAT(usable, testing::Each(cpus));
  }
}

TEST(ThreadPlacement, JoinsWhatParsingTakesApart) {
  EXPECT_EQ(JoinCpus(*ParseCpus("0-2,8")), "0,1,2,8");
  EXPECT_EQ(JoinCpus(*ParseCpus("")), "");
}

TEST(ThreadPlacement, PlacesAProcessOnlyWhenToldTo) {
  const auto nowhere = PlaceProcess("");
  ASSERT_TRUE(nowhere.ok());
  EXPECT_TRUE(nowhere->empty());
  EXPECT_EQ(PlaceProcess("x").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace windrose
