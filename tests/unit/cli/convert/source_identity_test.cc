#include "cli/convert/source_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "tests/support/temporary_directory.h"

namespace windrose::cli {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

TEST(SourceIdentity, SaysNameSizeAndTimeOfEachFile) {
  const TemporaryDirectory directory;
  for (const char* name : {"model-2.safetensors", "model-1.safetensors", "README.md"}) {
    std::ofstream(directory.file(name)) << name;
  }
  const std::set<std::string> names = {"model-2.safetensors", "model-1.safetensors"};
  const auto identity = FilesIdentity(directory.path(), names);
  ASSERT_TRUE(identity.ok()) << ToString(identity.status());
  EXPECT_THAT(*identity, ElementsAre(StartsWith("model-1.safetensors 19 "),
                                     StartsWith("model-2.safetensors 19 ")));
  EXPECT_EQ(*FilesIdentity(directory.path(), names), *identity);
}

TEST(SourceIdentity, IsUtf8WhateverTheNamesAre) {
  const TemporaryDirectory directory;
  for (const char* name : {"gr\xC3\xBCn.gguf", "gr\xFCn.gguf"}) {
    std::ofstream(directory.file(name)) << name;
  }
  EXPECT_THAT(*FileIdentity(directory.file("gr\xC3\xBCn.gguf")),
              StartsWith("gr\xC3\xBCn.gguf 10 "));
  EXPECT_THAT(*FileIdentity(directory.file("gr\xFCn.gguf")), StartsWith("\"gr?n.gguf\" 9 "));
}

TEST(SourceIdentity, SaysWhatCannotBeRead) {
  EXPECT_EQ(FileIdentity("/nowhere").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(FilesIdentity("/nowhere", {"a"}).status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace windrose::cli
