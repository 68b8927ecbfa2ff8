#include "coordinator/text/tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/text/detokenizer.h"
#include "tests/unit/coordinator/text/mixtral.h"

namespace windrose {
namespace {

std::vector<TokenId> Encode(std::string_view text) {
  const auto ids = Mixtral().Encode(text);
  EXPECT_TRUE(ids.ok()) << ids.status();
  return ids.ok() ? *ids : std::vector<TokenId>();
}

TEST(Tokenizer, KnowsMixtralsVocabularyAndControlTokens) {
  const Tokenizer& tokenizer = Mixtral();
  EXPECT_EQ(tokenizer.vocabulary_size(), 32000U);
  EXPECT_EQ(tokenizer.bos(), TokenId(1));
  EXPECT_EQ(tokenizer.eos(), TokenId(2));
  EXPECT_TRUE(tokenizer.IsControl(TokenId(0)));
  EXPECT_TRUE(tokenizer.IsControl(TokenId(2)));
  EXPECT_FALSE(tokenizer.IsControl(TokenId(3)));
  EXPECT_FALSE(tokenizer.IsControl(TokenId(32000)));
}

TEST(Tokenizer, GivesTheBytesBehindAnId) {
  const Tokenizer& tokenizer = Mixtral();
  EXPECT_EQ(tokenizer.Bytes(TokenId(22557)), " Hello");
  EXPECT_EQ(tokenizer.Name(TokenId(22557)), "\xE2\x96\x81Hello");
  EXPECT_EQ(tokenizer.Bytes(TokenId(13)), "\n");                      // <0x0A>
  EXPECT_EQ(tokenizer.Bytes(TokenId(3)), std::string_view("\0", 1));  // <0x00>
  EXPECT_EQ(tokenizer.Bytes(TokenId(258)), "\xFF");                   // <0xFF>
  EXPECT_EQ(tokenizer.Bytes(TokenId(259)), "  ");
  EXPECT_EQ(tokenizer.Bytes(TokenId(0)), "");
  EXPECT_EQ(tokenizer.Bytes(TokenId(2)), "");
  EXPECT_EQ(tokenizer.Bytes(TokenId(32000)), "");
  EXPECT_EQ(tokenizer.Bytes(TokenId(0xFFFFFFFF)), "");
}

TEST(Tokenizer, FindsControlPiecesByTheirExactName) {
  EXPECT_EQ(*Mixtral().ControlPiece("</s>"), TokenId(2));
  EXPECT_EQ(*Mixtral().ControlPiece("<s>"), TokenId(1));
  EXPECT_FALSE(Mixtral().ControlPiece("Hello").ok());
  EXPECT_FALSE(Mixtral().ControlPiece(" </s>").ok());
}

TEST(Tokenizer, NeverMakesControlTokensFromText) {
  for (const std::string& text :
       {std::string("<s>"), std::string("</s>"), std::string("<unk>"),
        std::string("a</s>b<s><unk>"), std::string("\xE2\x81\x87"),
        std::string("\xE2\x96\x81</s>\xE2\x96\x81"), std::string("<0x02>"),
        std::string("\0</s>\0", 6), std::string("\xEE\x80\x80")}) {
    for (const TokenId id : Encode(text)) EXPECT_GT(id.value(), 2U) << text;
  }
  EXPECT_EQ(Values(Encode("</s>")), (std::vector<uint32_t>{1867, 28713, 28767}));
}

TEST(Tokenizer, EncodesEveryScalarByByteFallback) {
  std::string text;
  for (uint32_t scalar = 0x80; scalar < 0x10FFFF; scalar += 977) {
    if (scalar >= 0xD800 && scalar < 0xE000) continue;
    if (scalar >= 0x10000) text.push_back(static_cast<char>(0xF0 | scalar >> 18));
    if (scalar >= 0x10000) text.push_back(static_cast<char>(0x80 | (scalar >> 12 & 0x3F)));
    if (scalar >= 0x800 && scalar < 0x10000) text.push_back(static_cast<char>(0xE0 | scalar >> 12));
    if (scalar >= 0x800) text.push_back(static_cast<char>(0x80 | (scalar >> 6 & 0x3F)));
    if (scalar < 0x800) text.push_back(static_cast<char>(0xC0 | scalar >> 6));
    text.push_back(static_cast<char>(0x80 | (scalar & 0x3F)));
  }
  const std::vector<TokenId> ids = Encode(text);
  for (const TokenId id : ids) ASSERT_GT(id.value(), 2U);
  EXPECT_EQ(Detokenize(Mixtral(), ids, true), text);
}

TEST(Tokenizer, EncodesTheEmptyTextAsNothing) { EXPECT_TRUE(Encode("").empty()); }

TEST(Tokenizer, KeepsNulBytes) {
  const std::string text("a\0b\0", 4);
  EXPECT_EQ(Detokenize(Mixtral(), Encode(text), true), text);
}

TEST(Tokenizer, ReplacesInvalidUtf8) {
  EXPECT_EQ(Detokenize(Mixtral(), Encode("a\xFFz"), true), "a\xEF\xBF\xBDz");
  EXPECT_FALSE(Encode("\xED\xA0\x80\xC0\x80\xF5").empty());
}

// The promise of the limits: 512 KiB in half a second; a quadratic merge would take minutes.
TEST(Tokenizer, EncodesHostileTextsWithoutAQuadraticMerge) {
  for (const std::string_view unit : {"a", " ", "\xCC\x80", "\xFF"}) {
    std::string text;
    while (text.size() < (size_t{1} << 18)) text += unit;
    EXPECT_FALSE(Encode(text).empty());
  }
}

TEST(Tokenizer, RefusesTextBeyondTheLimit) {
  const auto ids = Mixtral().Encode(std::string(Tokenizer::kMaxTextBytes + 1, 'a'));
  ASSERT_FALSE(ids.ok());
  EXPECT_EQ(ids.status().code(), StatusCode::kInvalidArgument);
}

TEST(Tokenizer, ComparesItsVocabularyWithTheModels) {
  EXPECT_TRUE(Mixtral().CheckVocabulary(32000).ok());
  EXPECT_EQ(Mixtral().CheckVocabulary(32001).code(), StatusCode::kFailedPrecondition);
}

TEST(Tokenizer, SaysWhichFileIsNoTokenizer) {
  const auto tokenizer = Tokenizer::Create("no pieces");
  EXPECT_EQ(tokenizer.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Message(tokenizer.status()).find("tokenizer.model: "), std::string::npos);
}

}  // namespace
}  // namespace windrose
