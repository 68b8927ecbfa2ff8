#include "common/model/tensor_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace windrose {
namespace {

// A file whose header says nothing, in 5000 bytes, of which it keeps `kept` once it is mapped.
Status ReadAfterCutTo(size_t kept) {
  const TemporaryDirectory directory;
  const std::string length("\x88\x13\0\0\0\0\0\0", 8);
  std::ofstream(directory.file("a"), std::ios::binary) << length << "{}" << std::string(4998, ' ');
  const auto file = MappedFile::Open(directory.path(), "a");
  EXPECT_TRUE(file.ok()) << ToString(file.status());
  std::filesystem::resize_file(directory.file("a"), kept);
  return ReadEntries(**file).status();
}

TEST(ReadEntries, ReadsAHeader) {
  const Status status = ReadAfterCutTo(5008);
  EXPECT_TRUE(status.ok()) << ToString(status);
}

TEST(ReadEntries, AHeaderThatCannotBeReadIsAnErrorAndNotASignal) {
  EXPECT_EQ(ReadAfterCutTo(0).code(), StatusCode::kDataLoss);
  EXPECT_EQ(ReadAfterCutTo(4096).code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace windrose
