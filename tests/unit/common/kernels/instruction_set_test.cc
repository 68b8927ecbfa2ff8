#include "common/kernels/instruction_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace windrose {
namespace {

using testing::HasSubstr;

TEST(InstructionSet, IsTheBestUntilAnotherIsChosen) {
  const std::string best = SupportedInstructionSets().front();
  EXPECT_EQ(InstructionSet(), best);
  for (const std::string& name : SupportedInstructionSets()) {
    ASSERT_TRUE(UseInstructionSet(name).ok());
    EXPECT_EQ(InstructionSet(), name);
  }
  ASSERT_TRUE(UseInstructionSet("best").ok());
  EXPECT_EQ(InstructionSet(), best);
}

TEST(InstructionSet, RefusesANameItDoesNotKnowAndSaysWhichItKnows) {
  const Status status = UseInstructionSet("AVX9");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("best, " + SupportedInstructionSets().front()));
  EXPECT_THAT(Message(status), HasSubstr("AVX9"));
}

}  // namespace
}  // namespace windrose
