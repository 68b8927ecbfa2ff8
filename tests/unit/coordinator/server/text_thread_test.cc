#include "coordinator/server/text_thread.h"

#include <gtest/gtest.h>

#include <semaphore>

namespace windrose {
namespace {

constexpr size_t kLong = size_t{1} << 20;

TEST(TextThread, DoesWhatIsShortAtOnceAndWhatIsLongOnItsThread) {
  std::binary_semaphore begun(0);
  std::binary_semaphore go_on(0);
  TextThread texts(1);
  const auto wait = [&] {
    begun.release();
    go_on.acquire();
  };
  EXPECT_TRUE(texts.Do(kLong, wait).ok());
  begun.acquire();
  bool done = false;
  EXPECT_TRUE(texts.Do(10, [&] { done = true; }).ok());
  EXPECT_TRUE(done);
  go_on.release();
}

TEST(TextThread, RefusesWhatIsLongBeyondItsCapacity) {
  std::binary_semaphore begun(0);
  std::binary_semaphore go_on(0);
  TextThread texts(1);
  const auto wait = [&] {
    begun.release();
    go_on.acquire();
  };
  EXPECT_TRUE(texts.Do(kLong, wait).ok());
  begun.acquire();
  EXPECT_TRUE(texts.Do(kLong, [] {}).ok());
  EXPECT_EQ(texts.Do(kLong, [] {}).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(texts.Do(10, [] {}).ok());
  go_on.release();
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
