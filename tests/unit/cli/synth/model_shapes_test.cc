#include "cli/synth/model_shapes.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(ModelShapes, AreAllReadBackAsWritten) {
  for (const std::string& name : ShapeNames()) {
    const auto shape = ShapeNamed(name);
    ASSERT_TRUE(shape.ok()) << name;
    const auto read = ParseMixtralConfig(ToConfigJson(*shape));
    ASSERT_TRUE(read.ok()) << name << ": " << Message(read.status());
    EXPECT_EQ(*read, *shape) << name;
  }
}

TEST(ModelShapes, RefusesAnUnknownName) {
  EXPECT_EQ(ShapeNamed("mixtral-9x9b").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace windrose::cli
