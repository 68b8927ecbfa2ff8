#include "router/proxy/suspect_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "router/values/error_detail.h"
#include "tests/unit/router/proxy/generation_fixture.h"

namespace windrose::router {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SuspectQueueTest : public ::testing::Test {
 protected:
  uint64_t Enter(int name) {
    return queue_.Enter([this, name] { turns_.push_back(name); });
  }
  void RunFor(Duration time) {
    loop_.RunUntil([] { return false; }, loop_.Now() + time);
  }

  ManualEventLoop loop_;
  SuspectQueue queue_{loop_, Seconds(30)};
  std::vector<int> turns_;
};

TEST_F(SuspectQueueTest, OneAfterTheOtherInTheOrderOfTheirComing) {
  const uint64_t first = Enter(1);
  const uint64_t second = Enter(2);
  Enter(3);
  EXPECT_THAT(turns_, IsEmpty());  // never inside Enter
  RunFor(Seconds(1));
  EXPECT_THAT(turns_, ElementsAre(1));
  queue_.Leave(first);
  EXPECT_THAT(turns_, ElementsAre(1));  // nor inside Leave
  RunFor(Seconds(1));
  EXPECT_THAT(turns_, ElementsAre(1, 2));
  queue_.Leave(first);  // long gone
  RunFor(Seconds(1));
  EXPECT_THAT(turns_, ElementsAre(1, 2));
  queue_.Leave(second);
  RunFor(Seconds(1));
  EXPECT_THAT(turns_, ElementsAre(1, 2, 3));
}

TEST_F(SuspectQueueTest, WhoLeavesBeforeItsTurnHasNone) {
  const uint64_t first = Enter(1);
  const uint64_t second = Enter(2);
  Enter(3);
  queue_.Leave(second);
  queue_.Leave(first);  // its turn was given, but not begun
  RunFor(Seconds(1));
  EXPECT_THAT(turns_, ElementsAre(3));
}

TEST_F(SuspectQueueTest, ATurnThatTakesTooLongEnds) {
  Enter(1);
  Enter(2);
  RunFor(Seconds(29));
  EXPECT_THAT(turns_, ElementsAre(1));
  RunFor(Seconds(2));
  EXPECT_THAT(turns_, ElementsAre(1, 2));
}

TEST_F(SuspectQueueTest, WhoLeavesWhileItWaitsLeavesTheTurnAsItIs) {
  Enter(1);
  const uint64_t second = Enter(2);
  Enter(3);
  RunFor(Seconds(20));
  queue_.Leave(second);
  RunFor(Seconds(9));
  EXPECT_THAT(turns_, ElementsAre(1));
  RunFor(Seconds(2));  // the first one's turn ends as if nobody had left
  EXPECT_THAT(turns_, ElementsAre(1, 3));
}

TEST_F(SuspectQueueTest, NothingHappensBehindItsEnd) {
  auto queue = std::make_unique<SuspectQueue>(loop_, Seconds(30));
  queue->Enter([this] { turns_.push_back(1); });
  queue.reset();
  RunFor(Seconds(60));
  EXPECT_THAT(turns_, IsEmpty());
}

// The coordinator that takes the request "poison" dies, and with it all that it has.
TEST_F(GenerationTest, OnlyTheRequestThatKillsIsGivenUp) {
  Serve({"a:1", "b:1"});
  script_.says_taken = true;
  std::map<std::string, size_t> died;  // by address: attempts before this one ended there
  script_.fault = [&](size_t attempt, const std::string& address, int) -> std::optional<Status> {
    const bool poison = script_.calls[attempt].request_id == "poison";
    if (poison) died[address] = script_.calls.size();
    if (poison || attempt < died[address]) return Unavailable("killed");
    return std::nullopt;
  };
  const std::vector<std::string> names = {"first", "poison", "third", "fourth"};
  std::vector<Recorder> recorders(names.size());
  std::vector<std::unique_ptr<Generation>> generations;
  for (size_t index = 0; index < names.size(); ++index) {
    GenerateCall call;
    call.request_id = names[index];
    call.sampling.seed = 42;
    generations.push_back(
        std::make_unique<Generation>(parts_, call, loop_.Now() + Seconds(600), recorders[index]));
    generations.back()->Start();
  }
  const auto all_ended = [&] {
    return std::all_of(recorders.begin(), recorders.end(),
                       [](const Recorder& recorder) { return recorder.ends > 0; });
  };
  ASSERT_TRUE(loop_.RunUntil(all_ended, loop_.Now() + Seconds(600)));
  for (size_t index = 0; index < names.size(); ++index) {
    SCOPED_TRACE(names[index]);
    EXPECT_EQ(recorders[index].ends, 1);
    if (names[index] == "poison") {
      EXPECT_EQ(ErrorCodeOf(recorders[index].failure), "request_quarantined");
    } else {
      EXPECT_TRUE(recorders[index].finished.has_value()) << ToString(recorders[index].failure);
      EXPECT_EQ(recorders[index].tokens.size(), script_.token_count);
    }
  }
}

}  // namespace
}  // namespace windrose::router
