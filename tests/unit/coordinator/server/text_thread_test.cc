#include "coordinator/server/text_thread.h"

#include <gtest/gtest.h>

#include <semaphore>

namespace windrose {
namespace {

constexpr size_t kLong = size_t{1} << 20;

// A thread that is at work on a long text until the end of the test.
class BusyTextThread : public testing::Test {
 protected:
  BusyTextThread() {
    const auto wait = [this] {
      begun_.release();
      go_on_.acquire();
    };
    EXPECT_TRUE(texts_.Do(kLong, wait).ok());
    begun_.acquire();
  }
  void TearDown() override { go_on_.release(); }

  std::binary_semaphore begun_{0};
  std::binary_semaphore go_on_{0};
  TextThread texts_{1};
};

TEST_F(BusyTextThread, DoesWhatIsShortAtOnce) {
  bool done = false;
  EXPECT_TRUE(texts_.Do(10, [&] { done = true; }).ok());
  EXPECT_TRUE(done);
}

TEST_F(BusyTextThread, RefusesWhatIsLongBeyondItsCapacity) {
  EXPECT_TRUE(texts_.Do(kLong, [] {}).ok());
  EXPECT_EQ(texts_.Do(kLong, [] {}).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(texts_.Do(10, [] {}).ok());
}

TEST(TextThread, DoesWhatWaitsBeforeItIsGone) {
  int done = 0;
  {
    TextThread texts(10);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(texts.Do(kLong, [&] { ++done; }).ok());
  }
  EXPECT_EQ(done, 10);
}

}  // namespace
}  // namespace windrose
