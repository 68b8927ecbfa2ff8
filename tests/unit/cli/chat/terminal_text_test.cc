#include "cli/chat/terminal_text.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(WithoutControls, LeavesText) {
  EXPECT_EQ(WithoutControls("3 \xE2\x82\xAC \xC2\xA0 \xC3\x9B"),
            "3 \xE2\x82\xAC \xC2\xA0 \xC3\x9B");
  EXPECT_EQ(WithoutControls(""), "");
}

TEST(WithoutControls, ReplacesWhatATerminalObeys) {
  EXPECT_EQ(WithoutControls("a\x1b[2Jb\x7f\rc"), "a?[2Jb??c");
  EXPECT_EQ(WithoutControls("a\xC2\x9B"
                            "2Jb"),
            "a?2Jb")
      << "an escape sequence in one character";
  EXPECT_EQ(WithoutControls(std::string_view("a\0b", 3)), "a?b");
}

TEST(WithoutControls, KeepsWhatItIsTold) {
  EXPECT_EQ(WithoutControls("a\n\tb\r", "\n\t"), "a\n\tb?");
  EXPECT_EQ(WithoutControls("a\n"), "a?");
}

TEST(WithoutControls, LeavesHalfACharacter) { EXPECT_EQ(WithoutControls("a\xC2"), "a\xC2"); }

}  // namespace
}  // namespace windrose::cli
