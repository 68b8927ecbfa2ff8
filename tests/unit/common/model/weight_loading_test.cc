#include "common/model/weight_loading.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "tests/support/temporary_directory.h"
#include "tests/unit/common/model/written_checkpoint.h"

namespace windrose {
namespace {

class WeightLoadingTest : public testing::Test {
 protected:
  // One tensor of a file that says "abc", with this hash.
  std::shared_ptr<const WeightStorage> StorageWith(std::optional<Hash128> hash) {
    WriteText(directory_.file("a.safetensors"), "abc");
    auto file = *MappedFile::Open(directory_.path(), "a.safetensors");
    const auto bytes = file->bytes();
    return std::make_shared<const WeightStorage>(
        std::vector<WeightStorage::Tensor>{{"w", std::move(file), bytes, hash}});
  }

  Status AwaitResult() {
    while (true) {
      if (const std::optional<Status> result = loading_.TakeResult()) return *result;
      std::this_thread::yield();
    }
  }

  TemporaryDirectory directory_;
  WeightLoading loading_;
};

TEST_F(WeightLoadingTest, ReadsAndComparesNothingWhenItIsOff) {
  EXPECT_TRUE(loading_.Start("off", StorageWith(HashOf("abd"))).ok());
  EXPECT_TRUE(AwaitResult().ok());
  EXPECT_EQ(loading_.bytes_read(), 3U);
  EXPECT_FALSE(loading_.verified());
}

TEST_F(WeightLoadingTest, EndsBeforeReadyWhenItIsToldTo) {
  EXPECT_TRUE(loading_.Start("before-ready", StorageWith(HashOf("abc"))).ok());
  EXPECT_TRUE(loading_.verified());
  EXPECT_EQ(loading_.bytes_read(), 3U);
  EXPECT_EQ(loading_.TakeResult(), std::nullopt);
}

TEST_F(WeightLoadingTest, SaysBeforeReadyThatWeightsAreDamaged) {
  EXPECT_EQ(loading_.Start("before-ready", StorageWith(HashOf("abd"))).code(),
            StatusCode::kDataLoss);
  EXPECT_FALSE(loading_.verified());
}

TEST_F(WeightLoadingTest, SaysOnceWhatCameOutInTheBackground) {
  EXPECT_TRUE(loading_.Start("background", StorageWith(HashOf("abc"))).ok());
  EXPECT_TRUE(AwaitResult().ok());
  EXPECT_TRUE(loading_.verified());
  EXPECT_EQ(loading_.TakeResult(), std::nullopt);
}

TEST_F(WeightLoadingTest, SaysInTheBackgroundThatWeightsAreDamaged) {
  EXPECT_TRUE(loading_.Start("background", StorageWith(HashOf("abd"))).ok());
  EXPECT_EQ(AwaitResult().code(), StatusCode::kDataLoss);
  EXPECT_FALSE(loading_.verified());
}

TEST_F(WeightLoadingTest, VerifiesNothingThatHasNoHash) {
  EXPECT_TRUE(loading_.Start("background", StorageWith(std::nullopt)).ok());
  EXPECT_TRUE(AwaitResult().ok());
  EXPECT_EQ(loading_.bytes_read(), 3U);
  EXPECT_FALSE(loading_.verified());
}

}  // namespace
}  // namespace windrose
