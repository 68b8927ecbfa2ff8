#include "coordinator/text/detokenizer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "coordinator/text/stop.h"
#include "tests/unit/coordinator/text/mixtral.h"

namespace windrose {
namespace {

constexpr uint32_t kFirstByte = 3;  // <0x00>

std::vector<TokenId> BytePieces(std::string_view bytes) {
  std::vector<TokenId> ids;
  for (const char byte : bytes) ids.emplace_back(kFirstByte + static_cast<uint8_t>(byte));
  return ids;
}

TEST(Detokenizer, DropsOneLeadingSpaceInChat) {
  Detokenizer detokenizer(Mixtral(), true);
  EXPECT_EQ(detokenizer.Push(TokenId(22557)), "Hello");
  EXPECT_EQ(detokenizer.Push(TokenId(22557)), " Hello");
}

TEST(Detokenizer, KeepsTheLeadingSpaceOfACompletion) {
  Detokenizer detokenizer(Mixtral(), false);
  EXPECT_EQ(detokenizer.Push(TokenId(22557)), " Hello");
}

TEST(Detokenizer, DropsNothingOfAPieceThatBeginsWithoutSpace) {
  Detokenizer detokenizer(Mixtral(), true);
  EXPECT_EQ(detokenizer.Push(TokenId(28725)), ",");
  EXPECT_EQ(detokenizer.Push(TokenId(22557)), " Hello");
}

TEST(Detokenizer, DropsOnlyOneOfSeveralSpaces) {
  Detokenizer detokenizer(Mixtral(), true);
  EXPECT_EQ(detokenizer.Push(TokenId(259)), " ");
  EXPECT_EQ(detokenizer.Push(TokenId(259)), "  ");
}

TEST(Detokenizer, DropsTheSpaceAfterLeadingControlTokens) {
  Detokenizer detokenizer(Mixtral(), true);
  EXPECT_EQ(detokenizer.Push(TokenId(1)), "");
  EXPECT_EQ(detokenizer.Push(TokenId(22557)), "Hello");
}

TEST(Detokenizer, KeepsASpaceThatTheModelSpelledAsAByte) {
  Detokenizer detokenizer(Mixtral(), true);
  EXPECT_EQ(detokenizer.Push(BytePieces(" ")[0]), " ");
  EXPECT_EQ(detokenizer.Push(TokenId(22557)), " Hello");
}

TEST(Detokenizer, HoldsACharacterUntilItsLastByte) {
  Detokenizer detokenizer(Mixtral(), true);
  const std::vector<TokenId> ids = BytePieces("\xF0\x9F\xA6\x99");
  EXPECT_EQ(detokenizer.Push(ids[0]), "");
  EXPECT_EQ(detokenizer.Push(ids[1]), "");
  EXPECT_EQ(detokenizer.Push(ids[2]), "");
  EXPECT_EQ(detokenizer.Push(ids[3]), "\xF0\x9F\xA6\x99");
  EXPECT_EQ(detokenizer.Flush(), "");
}

TEST(Detokenizer, ReplacesACharacterCutShortByAWord) {
  Detokenizer detokenizer(Mixtral(), true);
  for (const TokenId id : BytePieces("\xF0\x9F")) EXPECT_EQ(detokenizer.Push(id), "");
  EXPECT_EQ(detokenizer.Push(TokenId(22557)), "\xEF\xBF\xBD Hello");
}

TEST(Detokenizer, FlushReplacesAnUnfinishedCharacter) {
  Detokenizer detokenizer(Mixtral(), true);
  for (const TokenId id : BytePieces("\xE2\x82")) detokenizer.Push(id);
  EXPECT_EQ(detokenizer.Flush(), "\xEF\xBF\xBD");
  EXPECT_EQ(detokenizer.Flush(), "");
}

TEST(Detokenizer, GivesNoTextForControlAndForeignIds) {
  Detokenizer detokenizer(Mixtral(), true);
  for (const uint32_t id : {0U, 1U, 2U, 32000U, 0xFFFFFFFFU}) {
    EXPECT_EQ(detokenizer.Push(TokenId(id)), "");
  }
}

std::string RandomText(std::mt19937* random) {
  static const std::vector<std::string> units = {"a",
                                                 "Hello",
                                                 " ",
                                                 "  ",
                                                 "\n",
                                                 "\t",
                                                 "def f(x):\n    return",
                                                 "\xC3\xA9",
                                                 "e\xCC\x81",
                                                 "\xE6\x97\xA5\xE6\x9C\xAC",
                                                 "\xF0\x9F\xA6\x99",
                                                 "\xF0\x9F\x87\xB3\xF0\x9F\x87\xB4",
                                                 "</s>",
                                                 "[INST]",
                                                 "123",
                                                 ".",
                                                 std::string("\0", 1),
                                                 "\xEF\xBF\xBD"};
  std::string text;
  for (size_t n = (*random)() % 40; n > 0; --n) text += units[(*random)() % units.size()];
  return text;
}

TEST(Detokenizer, GivesRandomTextsBackWholeAndInValidPieces) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 400; ++trial) {
    const std::string text = RandomText(&random);
    const auto ids = Mixtral().Encode(text);
    ASSERT_TRUE(ids.ok());
    Detokenizer detokenizer(Mixtral(), true);
    std::string streamed;
    for (const TokenId id : *ids) {
      const std::string piece = detokenizer.Push(id);
      ASSERT_TRUE(IsValidUtf8(piece));
      streamed += piece;
    }
    EXPECT_EQ(detokenizer.Flush(), "");
    ASSERT_EQ(streamed, text);
  }
}

TEST(Detokenizer, GivesRandomIdsTheSameTextHoweverTheyAreSplit) {
  std::mt19937 random(11);
  for (int trial = 0; trial < 400; ++trial) {
    std::vector<TokenId> ids;
    std::string bytes;
    for (size_t n = random() % 20; n > 0; --n) {
      ids.emplace_back(random() % 2 == 0 ? random() % 32000 : kFirstByte + random() % 256);
      bytes += Mixtral().Bytes(ids.back());
    }
    Utf8Stream reference;
    std::string expected;
    reference.Push(bytes, &expected);
    reference.Flush(&expected);
    ASSERT_EQ(Detokenize(Mixtral(), ids, false), expected);
    // A prefix streamed and then the rest: what was emitted never changes.
    for (size_t cut = 0; cut <= ids.size(); ++cut) {
      Detokenizer detokenizer(Mixtral(), false);
      std::string text;
      for (size_t i = 0; i < cut; ++i) text += detokenizer.Push(ids[i]);
      ASSERT_EQ(expected.compare(0, text.size(), text), 0);
    }
  }
}

TEST(Detokenizer, FeedsAStopMatcherAcrossTokenBorders) {
  const auto ids = Mixtral().Encode("The llama \xF0\x9F\xA6\x99 stops here.");
  ASSERT_TRUE(ids.ok());
  Detokenizer detokenizer(Mixtral(), true);
  StopMatcher matcher({"ma \xF0\x9F\xA6\x99 st"});
  std::string text;
  for (const TokenId id : *ids) {
    const StopMatcher::Output output = matcher.Push(detokenizer.Push(id));
    text += output.text;
    if (output.matched) break;
  }
  EXPECT_EQ(text, "The lla");
}

}  // namespace
}  // namespace windrose
