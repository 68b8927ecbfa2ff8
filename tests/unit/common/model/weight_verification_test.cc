#include "common/model/weight_verification.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "tests/support/temporary_directory.h"
#include "tests/unit/common/model/written_checkpoint.h"

namespace windrose {
namespace {

class WeightVerificationTest : public testing::Test {
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
      if (const std::optional<Status> result = verification_.TakeResult()) return *result;
      std::this_thread::yield();
    }
  }

  TemporaryDirectory directory_;
  WeightVerification verification_;
};

TEST_F(WeightVerificationTest, LooksAtNothingWhenItIsOff) {
  EXPECT_TRUE(verification_.Start("off", StorageWith(HashOf("abd"))).ok());
  EXPECT_EQ(verification_.TakeResult(), std::nullopt);
}

TEST_F(WeightVerificationTest, EndsBeforeReadyWhenItIsToldTo) {
  EXPECT_TRUE(verification_.Start("before-ready", StorageWith(HashOf("abc"))).ok());
  EXPECT_EQ(verification_.Start("before-ready", StorageWith(HashOf("abd"))).code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(verification_.TakeResult(), std::nullopt);
}

TEST_F(WeightVerificationTest, SaysOnceWhatCameOutInTheBackground) {
  EXPECT_TRUE(verification_.Start("background", StorageWith(HashOf("abd"))).ok());
  EXPECT_EQ(AwaitResult().code(), StatusCode::kDataLoss);
  EXPECT_EQ(verification_.TakeResult(), std::nullopt);
  EXPECT_TRUE(verification_.Start("background", StorageWith(HashOf("abc"))).ok());
  EXPECT_TRUE(AwaitResult().ok());
}

TEST_F(WeightVerificationTest, HasNothingToDoWithoutHashes) {
  EXPECT_TRUE(verification_.Start("background", StorageWith(std::nullopt)).ok());
  EXPECT_EQ(verification_.TakeResult(), std::nullopt);
}

}  // namespace
}  // namespace windrose
