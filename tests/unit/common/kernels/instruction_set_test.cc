#include "common/kernels/instruction_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

namespace windrose {
namespace {

using testing::Contains;
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

// Tests of kernels run with each set that the processor has, and with no other. This one tells
// which those are; what a machine is meant to cover stands in WINDROSE_REQUIRED_SETS, with commas
// between.
TEST(InstructionSet, IncludesWhatThisMachineIsToCover) {
  const std::vector<std::string> sets = SupportedInstructionSets();
  const std::string all = testing::PrintToString(sets);
  RecordProperty("instruction_sets", all);
  std::cout << "Kernels are tested with " << all << "\n";
  const char* const required = std::getenv("WINDROSE_REQUIRED_SETS");
  std::istringstream names(required == nullptr ? "" : required);
  for (std::string name; std::getline(names, name, ',');) EXPECT_THAT(sets, Contains(name));
}

TEST(InstructionSet, RefusesANameItDoesNotKnowAndSaysWhichItKnows) {
  const Status status = UseInstructionSet("AVX9");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("best, " + SupportedInstructionSets().front()));
  EXPECT_THAT(Message(status), HasSubstr("AVX9"));
}

}  // namespace
}  // namespace windrose
