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

  Status Read(const WeightStorage& storage,
              WeightStorage::Compare compare = WeightStorage::Compare::kHashes) {
    return storage.Read(compare, stop_, bytes_read_);
  }

  TemporaryDirectory directory_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> bytes_read_{0};
};

TEST_F(WeightStorageTest, AcceptsTheBytesThatWereHashed) {
  // Longer than what is read at once.
  const std::string text((20 << 20) + 1, 'x');
  const WeightStorage storage = StorageOf(text, HashOf(text));
  EXPECT_TRUE(storage.has_hashes());
  EXPECT_TRUE(Read(storage).ok());
  EXPECT_EQ(bytes_read_, text.size());
}

TEST_F(WeightStorageTest, NamesFileTensorAndHashesOfOtherBytes) {
  const Status status = Read(StorageOf("abc", HashOf("abd")));
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(Message(status), testing::HasSubstr("a.safetensors: tensor w"));
  EXPECT_THAT(Message(status), testing::HasSubstr(HashOf("abc").Hex()));
  EXPECT_THAT(Message(status), testing::HasSubstr(HashOf("abd").Hex()));
}

TEST_F(WeightStorageTest, ReadsWithoutComparing) {
  EXPECT_TRUE(Read(StorageOf("abc", HashOf("abd")), WeightStorage::Compare::kNothing).ok());
  EXPECT_EQ(bytes_read_, 3U);
}

TEST_F(WeightStorageTest, ReadsTensorsWithoutAHash) {
  const WeightStorage storage = StorageOf("abc", std::nullopt);
  EXPECT_FALSE(storage.has_hashes());
  EXPECT_TRUE(Read(storage).ok());
  EXPECT_EQ(bytes_read_, 3U);
}

TEST_F(WeightStorageTest, SaysWhenAFileHasBecomeShorter) {
  const WeightStorage storage = StorageOf(std::string(1 << 20, 'x'), std::nullopt);
  std::filesystem::resize_file(directory_.file("a.safetensors"), 1);
  EXPECT_EQ(Read(storage).code(), StatusCode::kDataLoss);
}

TEST_F(WeightStorageTest, StopsWhenItIsToldTo) {
  stop_ = true;
  EXPECT_EQ(Read(StorageOf("abc", HashOf("abc"))).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace windrose
