#include "common/model/shard_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace windrose {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string WhyNot(const std::string& text) {
  const Status status = ParseShardIndex(text).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
  return Message(status);
}

TEST(ShardIndex, SaysWhichFileHoldsWhat) {
  const auto index = ParseShardIndex(
      R"({"metadata":{"total_size":9},"weight_map":{"a":"x.safetensors","b":"x.safetensors"}})");
  ASSERT_TRUE(index.ok());
  EXPECT_THAT(*index, UnorderedElementsAre(Pair("a", "x.safetensors"), Pair("b", "x.safetensors")));
}

// Whoever writes the index must not make us open other files than the directory's own.
TEST(ShardIndex, RefusesFilesThatAreNotPlainWeightFiles) {
  for (const char* file : {"../x.safetensors", "/etc/x.safetensors", "d/x.safetensors",
                           ".x.safetensors", "x\\\\y.safetensors", "x y.safetensors", "", "x.bin",
                           "x.safetensors.bin", "\\u0000.safetensors"}) {
    EXPECT_THAT(WhyNot(std::string(R"({"weight_map":{"t":")") + file + R"("}})"),
                HasSubstr("weight_map: tensor \"t\""))
        << file;
  }
}

TEST(ShardIndex, RefusesWhatIsNoMapOfNames) {
  for (const char* text : {"{}", R"({"weight_map":[]})", R"({"weight_map":{}})",
                           R"({"weight_map":{"t":1}})", R"({"weight_map":{"t":null}})"}) {
    EXPECT_THAT(WhyNot(text), HasSubstr("weight_map: ")) << text;
  }
  EXPECT_THAT(WhyNot(R"({"weight_map":{"t":"a.safetensors","t":"b.safetensors"}})"),
              HasSubstr("stands twice"));
}

}  // namespace
}  // namespace windrose
