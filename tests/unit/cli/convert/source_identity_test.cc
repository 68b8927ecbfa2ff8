#include "cli/convert/source_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace windrose::cli {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

TEST(SourceIdentity, NamesWhatAModelIsMadeOf) {
  const TemporaryDirectory directory;
  for (const char* name : {"model-2.safetensors", "model-1.safetensors", "config.json",
                           "tokenizer.model", "README.md"}) {
    std::ofstream(directory.file(name)) << name;
  }
  const auto identity = DirectoryIdentity(directory.path());
  ASSERT_TRUE(identity.ok()) << ToString(identity.status());
  EXPECT_THAT(
      *identity,
      ElementsAre(StartsWith("config.json 11 "), StartsWith("model-1.safetensors 19 "),
                  StartsWith("model-2.safetensors 19 "), StartsWith("tokenizer.model 15 ")));
  EXPECT_EQ(*DirectoryIdentity(directory.path()), *identity);
}

TEST(SourceIdentity, SaysWhatCannotBeRead) {
  EXPECT_EQ(FileIdentity("/nowhere").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(DirectoryIdentity("/nowhere").status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace windrose::cli
