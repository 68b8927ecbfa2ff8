#include "common/model/weight_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/unit/common/model/written_checkpoint.h"

namespace windrose {
namespace {

class WeightStorageTest : public testing::Test {
 protected:
  // One tensor that is all of a file of `text`.
  WeightStorage StorageOf(const std::string& text, std::optional<Hash128> hash) {
    WriteText(directory_.file("a.safetensors"), text);
    auto file = *MappedFile::Open(directory_.path(), "a.safetensors");
    const auto bytes = file->bytes();
    return WeightStorage({{"w", std::move(file), bytes, hash}});
  }

  TemporaryDirectory directory_;
  std::atomic<bool> stop_{false};
};

TEST_F(WeightStorageTest, AcceptsTheBytesThatWereHashed) {
  // Longer than what is hashed at once.
  const std::string text(20 << 20, 'x');
  const WeightStorage storage = StorageOf(text, HashOf(text));
  storage.Prefetch();
  EXPECT_TRUE(storage.has_hashes());
  EXPECT_TRUE(storage.VerifyHashes(stop_).ok());
}

TEST_F(WeightStorageTest, NamesFileAndTensorOfOtherBytes) {
  const Status status = StorageOf("abc", HashOf("abd")).VerifyHashes(stop_);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(Message(status), testing::HasSubstr("a.safetensors: tensor w"));
}

TEST_F(WeightStorageTest, HasNothingToSayOfTensorsWithoutAHash) {
  const WeightStorage storage = StorageOf("abc", std::nullopt);
  EXPECT_FALSE(storage.has_hashes());
  EXPECT_TRUE(storage.VerifyHashes(stop_).ok());
}

TEST_F(WeightStorageTest, StopsWhenItIsToldTo) {
  stop_ = true;
  EXPECT_EQ(StorageOf("abc", HashOf("abc")).VerifyHashes(stop_).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace windrose
