#include "cli/convert/open_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose::cli {
namespace {

TEST(OpenSource, TakesAModelDirectory) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(WriteTinyMixtral(directory.path(), TinyMixtralConfig()).ok());
  const auto source = OpenSource(directory.path());
  ASSERT_TRUE(source.ok()) << ToString(source.status());
  EXPECT_EQ((*source)->config(), TinyMixtralConfig());
}

TEST(OpenSource, TakesAFileThatEndsInGgufForOne) {
  const TemporaryDirectory directory;
  std::ofstream(directory.file("a.gguf")) << "not a GGUF file at all";
  const auto source = OpenSource(directory.file("a.gguf"));
  ASSERT_FALSE(source.ok());
  EXPECT_THAT(Message(source.status()), testing::HasSubstr("a.gguf"));
}

}  // namespace
}  // namespace windrose::cli
