#include "cli/convert/durable_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/temporary_directory.h"

namespace windrose::cli {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(DurableFiles, ReplacesAFileAsAWhole) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(WriteDurably(directory.path(), "a", "first").ok());
  ASSERT_TRUE(WriteDurably(directory.path(), "a", "").ok());
  EXPECT_EQ(ReadText(directory.file("a")), "");
  ASSERT_TRUE(WriteDurably(directory.path(), "a", "third").ok());
  EXPECT_EQ(ReadText(directory.file("a")), "third");
  EXPECT_FALSE(std::filesystem::exists(directory.file("a.new")));
}

TEST(DurableFiles, PublishTakesANameOver) {
  const TemporaryDirectory directory;
  std::ofstream(directory.file("a.partial")) << "whole";
  std::ofstream(directory.file("a")) << "old";
  ASSERT_TRUE(Publish(directory.path(), "a.partial", "a").ok());
  EXPECT_EQ(ReadText(directory.file("a")), "whole");
  EXPECT_FALSE(std::filesystem::exists(directory.file("a.partial")));
}

TEST(DurableFiles, SayWhichFileCannotBeWritten) {
  const TemporaryDirectory directory;
  EXPECT_EQ(Publish(directory.path(), "missing", "a").code(), StatusCode::kUnavailable);
  const Status status = WriteDurably("/nowhere", "a", "text");
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(status).find("/nowhere/a"), std::string::npos);
}

TEST(DurableFiles, AFolderInTheWayIsNeverReplaced) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.file("a/b"));
  const Status status = WriteDurably(directory.path(), "a", "text");
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(status).find(directory.file("a")), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(directory.file("a/b")));
}

TEST(DirectoryLock, IsGivenToOneAtATime) {
  const TemporaryDirectory directory;
  std::optional<StatusOr<DirectoryLock>> first = DirectoryLock::Take(directory.path());
  ASSERT_TRUE(first->ok());
  const std::optional<DirectoryLock> moved = std::move(**first);
  first.reset();
  EXPECT_EQ(DirectoryLock::Take(directory.path()).status().code(), StatusCode::kFailedPrecondition);
}

TEST(DirectoryLock, IsGivenBackAtTheEnd) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(DirectoryLock::Take(directory.path()).ok());
  EXPECT_TRUE(DirectoryLock::Take(directory.path()).ok());
  EXPECT_EQ(DirectoryLock::Take("/nowhere").status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace windrose::cli
