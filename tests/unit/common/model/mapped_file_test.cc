#include "common/model/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace windrose {
namespace {

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(MappedFile, MapsARegularFile) {
  const TemporaryDirectory directory;
  Write(directory.file("a.safetensors"), "hello");
  const auto file = MappedFile::Open(directory.path(), "a.safetensors");
  ASSERT_TRUE(file.ok()) << ToString(file.status());
  EXPECT_EQ((*file)->bytes().size(), 5U);
  EXPECT_EQ((*file)->bytes()[1], std::byte{'e'});
  EXPECT_TRUE(MakeMappedResident((*file)->bytes().subspan(1, 3)).ok());
}

TEST(MappedFile, SaysWhatIsMissing) {
  const TemporaryDirectory directory;
  EXPECT_EQ(MappedFile::Open(directory.path(), "a").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(MappedFile::Open("/nonexistent", "a").status().code(), StatusCode::kNotFound);
}

TEST(MappedFile, NamesTheDirectoryThatIsMissingOrLacksTheFile) {
  const Status status = MappedFile::Open("/nonexistent", "a").status();
  EXPECT_NE(Message(status).find("model directory /nonexistent: "), std::string::npos);
  const TemporaryDirectory directory;
  const Status without = MappedFile::Open(directory.path(), "a").status();
  EXPECT_NE(Message(without).find(directory.file("a") + ": "), std::string::npos);
}

// A socket's name can be opened by nobody, whatever their rights.
TEST(MappedFile, WhatCannotBeOpenedIsNotMissing) {
  const TemporaryDirectory directory;
  ASSERT_EQ(mknod(directory.file("a").c_str(), S_IFSOCK | 0600, 0), 0);
  EXPECT_EQ(MappedFile::Open(directory.path(), "a").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(ReadModelText(directory.path(), "a", 5).status().code(), StatusCode::kUnavailable);
  const std::string deep = directory.path() + "/" + std::string(5000, 'x');
  EXPECT_EQ(MappedFile::Open(deep, "a").status().code(), StatusCode::kUnavailable);
}

TEST(MappedFile, RefusesWhatIsNotARegularFileWithoutWaiting) {
  const TemporaryDirectory directory;
  ASSERT_EQ(mkfifo(directory.file("pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(directory.file("folder"));
  Write(directory.file("empty"), "");
  Write(directory.file("real"), "x");
  std::filesystem::create_symlink(directory.file("real"), directory.file("link"));
  for (const char* name : {"pipe", "folder", "empty", "link"}) {
    EXPECT_EQ(MappedFile::Open(directory.path(), name).status().code(),
              StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(MappedFile, TellsAPointerOfGitLfsFromTheFile) {
  const TemporaryDirectory directory;
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n";
  Write(directory.file("a"), pointer);
  for (const Status& status : {MappedFile::Open(directory.path(), "a").status(),
                               ReadModelText(directory.path(), "a", 1000).status()}) {
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(Message(status).find("a: is a Git LFS pointer"), std::string::npos);
  }
  Write(directory.file("a"), pointer.substr(0, 20));
  EXPECT_TRUE(MappedFile::Open(directory.path(), "a").ok());
}

TEST(MappedFile, RefusesPaths) {
  const TemporaryDirectory directory;
  for (const std::string& name : {std::string("../../etc/passwd"), std::string("/etc/passwd"),
                                  std::string("a/b"), std::string(".."), std::string("."),
                                  std::string(), std::string("http://x"), std::string("a\0b", 3)}) {
    EXPECT_EQ(MappedFile::Open(directory.path(), name).status().code(),
              StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(MappedFile, OpensWhateverNameTheUserGaveTheFile) {
  const TemporaryDirectory directory;
  for (const char* name : {"Mixtral 8×7B (1).gguf", ".hidden", "a:b", "a\\b", "\xE9"}) {
    Write(directory.file(name), "x");
    EXPECT_TRUE(MappedFile::Open(directory.path(), name).ok()) << name;
  }
}

TEST(PlainFileName, IsNeitherAPathNorHiddenNorHardToPrint) {
  EXPECT_TRUE(CheckPlainFileName("model-00001-of-00002.safetensors").ok());
  for (const std::string& name :
       {std::string("../../etc/passwd"), std::string("/etc/passwd"), std::string("a/b"),
        std::string(".."), std::string("."), std::string(), std::string(".hidden"),
        std::string("http://x"), std::string("a\\b"), std::string("a b"), std::string("a\n"),
        std::string(300, 'a'), std::string("a\0b", 3)}) {
    EXPECT_EQ(CheckPlainFileName(name).code(), StatusCode::kInvalidArgument) << name;
  }
}

TEST(ModelText, IsReadUpToItsLimit) {
  const TemporaryDirectory directory;
  Write(directory.file("t"), "12345");
  EXPECT_EQ(ReadModelText(directory.path(), "t", 5).value(), "12345");
  EXPECT_EQ(ReadModelText(directory.path(), "t", 4).status().code(),
            StatusCode::kResourceExhausted);
}

TEST(MappedFile, TruncationBeforeLoadingIsAnErrorAndNotASignal) {
  const TemporaryDirectory directory;
  Write(directory.file("a"), std::string(3 << 20, 'x'));
  const auto file = MappedFile::Open(directory.path(), "a");
  ASSERT_TRUE(file.ok());
  std::filesystem::resize_file(directory.file("a"), 1 << 20);
  EXPECT_EQ(MakeMappedResident((*file)->bytes()).code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace windrose
