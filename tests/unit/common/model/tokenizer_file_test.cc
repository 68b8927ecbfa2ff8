#include "common/model/tokenizer_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "tests/unit/coordinator/text/mixtral.h"

namespace windrose {
namespace {

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string Number(uint32_t field, uint64_t value) { return Varint(field << 3) + Varint(value); }

std::string Bytes(uint32_t field, const std::string& bytes) {
  return Varint(field << 3 | 2) + Varint(bytes.size()) + bytes;
}

std::string Float(uint32_t field, float value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return Varint(field << 3 | 5) + bytes;
}

// A small valid model, to be spoiled one part at a time.
struct Model {
  std::vector<Piece> pieces;
  std::vector<std::pair<uint32_t, uint64_t>> trainer = {{3, 2}, {35, 1}};
  std::vector<std::pair<uint32_t, uint64_t>> normalizer = {{3, 1}, {4, 0}};
  std::string compiled_map;
  std::string tail;

  Model() {
    pieces = {{"<unk>", 0, PieceKind::kUnknown},
              {"<s>", 0, PieceKind::kControl},
              {"</s>", 0, PieceKind::kControl}};
    for (int byte = 0; byte < 256; ++byte) {
      const std::string digits = "0123456789ABCDEF";
      const std::string name = std::string("<0x") + digits[static_cast<size_t>(byte / 16)] +
                               digits[static_cast<size_t>(byte % 16)] + ">";
      pieces.push_back({name, 0, PieceKind::kByte});
    }
    pieces.push_back({"\xE2\x96\x81", -2, PieceKind::kNormal});
    pieces.push_back({"a", -3, PieceKind::kNormal});
    pieces.push_back(
        {"\xE2\x96\x81"
         "a",
         -1, PieceKind::kNormal});
  }

  std::string Serialized() const {
    std::string bytes;
    for (const Piece& piece : pieces) {
      bytes += SerializedPiece(piece);
    }
    std::string settings;
    for (const auto& [field, value] : trainer) settings += Number(field, value);
    bytes += Bytes(2, settings);
    settings = Bytes(1, "identity");
    if (!compiled_map.empty()) settings += Bytes(2, compiled_map);
    for (const auto& [field, value] : normalizer) settings += Number(field, value);
    return bytes + Bytes(3, settings) + tail;
  }

  static std::string SerializedPiece(const Piece& piece) {
    return Bytes(1, Bytes(1, piece.text) + Float(2, piece.score) +
                        Number(3, static_cast<uint64_t>(piece.kind)));
  }
};

std::string ErrorAfter(const std::function<void(Model&)>& spoil) {
  Model model;
  spoil(model);
  const auto tokenizer = Tokenizer::Create(model.Serialized());
  return tokenizer.ok() ? "accepted" : Message(tokenizer.status());
}

#define EXPECT_REFUSED(words, statements)                                                \
  EXPECT_NE(ErrorAfter([](Model& model) { statements; }).find(words), std::string::npos) \
      << ErrorAfter([](Model& model) { statements; })

TEST(TokenizerFile, AcceptsTheSmallModelAndMixtral) {
  const auto tokenizer = Tokenizer::Create(Model().Serialized());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(Values(*(*tokenizer)->Encode("a")), (std::vector<uint32_t>{261}));
  EXPECT_EQ((*tokenizer)->Bytes(TokenId(261)), " a");
  EXPECT_EQ(Mixtral().vocabulary_size(), 32000U);
}

TEST(TokenizerFile, RefusesWhatIsNotAModel) {
  EXPECT_FALSE(ParseTokenizerFile("").ok());
  EXPECT_FALSE(ParseTokenizerFile("{\"model\": {}}").ok());
  EXPECT_FALSE(ParseTokenizerFile(std::string(100, '\xFF')).ok());
  EXPECT_FALSE(ParseTokenizerFile(std::string(kMaxTokenizerFileBytes + 1, '\0')).ok());
}

TEST(TokenizerFile, RefusesEveryTruncation) {
  const std::string bytes = Model().Serialized();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(Tokenizer::Create(bytes.substr(0, size)).ok()) << size;
  }
}

TEST(TokenizerFile, SurvivesEveryFlippedByte) {
  const std::string bytes = Model().Serialized();
  for (size_t i = 0; i < bytes.size(); i += 3) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x5A);
    const auto tokenizer = Tokenizer::Create(flipped);
    if (!tokenizer.ok()) continue;
    EXPECT_TRUE((*tokenizer)->Encode("a </s> \xFF").ok());
  }
}

TEST(TokenizerFile, RefusesBadPieces) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ErrorAfter([nan](Model& model) { model.pieces[260].score = nan; }),
            "tokenizer.model: piece 260: score not finite");
  EXPECT_REFUSED("piece 260: score", model.pieces[260].score = -HUGE_VALF);
  EXPECT_REFUSED("piece 260: the same text", model.pieces[260].text = "\xE2\x96\x81");
  EXPECT_REFUSED("piece 260: the same text", model.pieces[260].text = "</s>");
  EXPECT_REFUSED("piece 260: wanted 1 to", model.pieces[260].text = "");
  EXPECT_REFUSED("piece 260: wanted 1 to", model.pieces[260].text = std::string(513, 'a'));
  EXPECT_REFUSED("piece 260: not UTF-8", model.pieces[260].text = "\xC0\x80");
  EXPECT_REFUSED("piece 260: not UTF-8", model.pieces[260].text = std::string("a\0", 2));
  EXPECT_REFUSED("piece 260: user-defined and unused",
                 model.pieces[260].kind = PieceKind::kUserDefined);
  EXPECT_REFUSED("piece 260: unknown kind", model.pieces[260].kind = PieceKind{9});
  EXPECT_REFUSED("piece 260: user-defined and unused", model.pieces[260].kind = PieceKind::kUnused);
}

TEST(TokenizerFile, RefusesIncompleteByteFallback) {
  EXPECT_REFUSED("256 byte pieces", model.pieces[100].kind = PieceKind::kNormal);
  EXPECT_REFUSED("<0xNN>", model.pieces[100].text = "<0x6g>");
  EXPECT_REFUSED("byte_fallback", model.trainer[1].second = 0);
}

TEST(TokenizerFile, RefusesMissingOrWrongSpecialIds) {
  EXPECT_REFUSED("bos_id 2000", model.trainer.push_back({41, 2000}));
  EXPECT_REFUSED("bos_id 260", model.trainer.push_back({41, 260}));
  EXPECT_REFUSED("eos_id 18446744073709551615", model.trainer.push_back({42, ~uint64_t{0}}));
  EXPECT_REFUSED("unk_id 1", model.trainer.push_back({40, 1}));
  EXPECT_REFUSED("same piece", model.trainer.push_back({42, 1}));
  EXPECT_REFUSED("one unknown piece", model.pieces[2].kind = PieceKind::kUnknown);
}

TEST(TokenizerFile, RefusesOtherAlgorithmsAndNormalisation) {
  EXPECT_REFUSED("must be BPE", model.trainer[0].second = 1);
  EXPECT_REFUSED("treat_whitespace_as_suffix", model.trainer.push_back({24, 1}));
  EXPECT_REFUSED("add_dummy_prefix", model.normalizer[0].second = 0);
  EXPECT_REFUSED("remove_extra_whitespaces", model.normalizer[1].second = 1);
  EXPECT_REFUSED("escape_whitespaces", model.normalizer.push_back({5, 0}));
  EXPECT_REFUSED("normalisation rules", model.compiled_map = std::string(64, '\x11'));
  EXPECT_REFUSED("normalisation rules", model.tail = Bytes(5, Bytes(2, "xxxx")));
}

TEST(TokenizerFile, RefusesTooManyPieces) {
  std::string bytes = Model().Serialized();
  const std::string piece = Bytes(1, Bytes(1, "x"));
  for (size_t i = 0; i < kMaxPieces; ++i) bytes += piece;
  EXPECT_NE(Message(ParseTokenizerFile(bytes).status()).find("pieces; got more"),
            std::string::npos);
}

TEST(ByteOfPieceName, ReadsExactlyTheUpperCaseForm) {
  EXPECT_EQ(ByteOfPieceName("<0x00>"), 0);
  EXPECT_EQ(ByteOfPieceName("<0xFF>"), 255);
  EXPECT_EQ(ByteOfPieceName("<0xff>"), -1);
  EXPECT_EQ(ByteOfPieceName("<0x0>"), -1);
  EXPECT_EQ(ByteOfPieceName(""), -1);
}

}  // namespace
}  // namespace windrose
