#include "common/model/gguf_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "common/model/tokenizer_file.h"
#include "tests/unit/common/model/gguf_file.h"

namespace windrose {
namespace {

using testing::HasSubstr;

TokenizerFile MixtralTokenizer() {
  const auto file =
      ParseTokenizerFile(ReadFile(std::string(WINDROSE_SOURCE_DIR) +
                                  "/tests/unit/coordinator/text/data/mixtral_tokenizer.model"));
  EXPECT_TRUE(file.ok()) << ToString(file.status());
  return *file;
}

// The keys that a converter makes of `tokenizer`.
GgufFile FileOf(const TokenizerFile& tokenizer) {
  std::vector<std::string> tokens, scores, kinds;
  for (const Piece& piece : tokenizer.pieces) {
    tokens.push_back(EncodedText(piece.text));
    scores.push_back(Encoded(piece.score));
    kinds.push_back(Encoded(static_cast<int32_t>(piece.kind)));
  }
  GgufFile file;
  file.AddText("tokenizer.ggml.model", "llama");
  file.AddArray("tokenizer.ggml.tokens", GgufValueType::kString, tokens);
  file.AddArray("tokenizer.ggml.scores", GgufValueType::kF32, scores);
  file.AddArray("tokenizer.ggml.token_type", GgufValueType::kI32, kinds);
  file.AddU32("tokenizer.ggml.bos_token_id", tokenizer.bos.value());
  file.AddU32("tokenizer.ggml.eos_token_id", tokenizer.eos.value());
  file.AddU32("tokenizer.ggml.unknown_token_id", tokenizer.unknown.value());
  return file;
}

StatusOr<std::string> ModelOf(const GgufFile& file) {
  const std::string bytes = file.Bytes();
  const auto all = std::as_bytes(std::span(bytes));
  ASSIGN_OR_RETURN(const GgufHeader header, ParseGgufHeader(all, all.size()));
  return GgufTokenizerModel(GgufMetadata(header.values, all));
}

StatusOr<std::string> Changed(const std::function<void(GgufFile&)>& change) {
  static const GgufFile mixtral = FileOf(MixtralTokenizer());
  GgufFile file = mixtral;
  change(file);
  return ModelOf(file);
}

// What the reader of tokenizer.model says of the changed file.
StatusOr<TokenizerFile> ReadAfter(const std::function<void(GgufFile&)>& change) {
  ASSIGN_OR_RETURN(const std::string model, Changed(change));
  return ParseTokenizerFile(model);
}

void ExpectRefused(const Status& status, const std::string& why) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr(why));
}

void ExpectMixtral(const StatusOr<TokenizerFile>& again) {
  ASSERT_TRUE(again.ok()) << ToString(again.status());
  const TokenizerFile original = MixtralTokenizer();
  ASSERT_EQ(again->pieces.size(), 32'000U);
  for (size_t id = 0; id < original.pieces.size(); ++id) {
    ASSERT_EQ(again->pieces[id].text, original.pieces[id].text) << id;
    ASSERT_EQ(again->pieces[id].score, original.pieces[id].score) << id;
    ASSERT_EQ(again->pieces[id].kind, original.pieces[id].kind) << id;
  }
  EXPECT_EQ(again->bos, original.bos);
  EXPECT_EQ(again->eos, original.eos);
  EXPECT_EQ(again->unknown, original.unknown);
}

TEST(GgufTokenizer, GivesMixtralsTokenizerBack) {
  ExpectMixtral(ReadAfter([](GgufFile&) {}));
  ExpectMixtral(ReadAfter([](GgufFile& file) {
    file.AddBool("tokenizer.ggml.add_space_prefix", true);
    file.AddBool("tokenizer.ggml.add_bos_token", true);
    file.AddText("tokenizer.ggml.pre", "default");
  }));
}

// llama.cpp's converter writes false when the settings leave it open.
TEST(GgufTokenizer, PutsASpaceInFrontWhateverTheFileSaysAndTellsSo) {
  for (const bool said : {false, true}) {
    GgufFile file = FileOf(MixtralTokenizer());
    file.AddBool("tokenizer.ggml.add_space_prefix", said);
    const std::string bytes = file.Bytes();
    const auto all = std::as_bytes(std::span(bytes));
    const auto header = ParseGgufHeader(all, all.size());
    ASSERT_TRUE(header.ok());
    const GgufMetadata metadata(header->values, all);
    const auto model = GgufTokenizerModel(metadata);
    ASSERT_TRUE(model.ok()) << ToString(model.status());
    ExpectMixtral(ParseTokenizerFile(*model));
    EXPECT_EQ(GgufTokenizerWarning(metadata).empty(), said);
  }
}

TEST(GgufTokenizer, TakesTheUsualIdsWhenTheyAreAbsent) {
  ExpectMixtral(ReadAfter([](GgufFile& file) {
    file.Remove("tokenizer.ggml.bos_token_id");
    file.Remove("tokenizer.ggml.eos_token_id");
    file.Remove("tokenizer.ggml.unknown_token_id");
  }));
}

// llama.cpp's converter calls every special piece a control piece.
TEST(GgufTokenizer, TheUnknownPieceMayBeCalledAControlPiece) {
  ExpectMixtral(ReadAfter([](GgufFile& file) {
    TokenizerFile tokenizer = MixtralTokenizer();
    tokenizer.pieces[tokenizer.unknown.value()].kind = PieceKind::kControl;
    file = FileOf(tokenizer);
  }));
}

TEST(GgufTokenizer, PassesOnWhatTheReaderOfTokenizersRefuses) {
  ExpectRefused(ReadAfter([](GgufFile& file) {
                  file.AddBool("tokenizer.ggml.remove_extra_whitespaces", true);
                }).status(),
                "remove_extra_whitespaces");
  ExpectRefused(ReadAfter([](GgufFile& file) {
                  file.at("tokenizer.ggml.eos_token_id").value = Encoded(40'000U);
                }).status(),
                "eos_id 40000");
}

TEST(GgufTokenizer, SaysWhenThereIsNoTokenizer) {
  EXPECT_EQ(ModelOf(GgufFile()).status().code(), StatusCode::kNotFound);
}

TEST(GgufTokenizer, RefusesOtherTokenizers) {
  ExpectRefused(Changed([](GgufFile& file) {
                  file.at("tokenizer.ggml.model").value = EncodedText("gpt2");
                }).status(),
                "the file has \"gpt2\"");
  ExpectRefused(Changed([](GgufFile& file) {
                  file.AddArray("tokenizer.ggml.precompiled_charsmap", GgufValueType::kU8, {"x"});
                }).status(),
                "normalisation rules");
}

TEST(GgufTokenizer, RefusesArraysThatDoNotFitEachOther) {
  for (const char* key :
       {"tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
    ExpectRefused(Changed([&](GgufFile& file) { file.Remove(key); }).status(), key);
  }
  ExpectRefused(Changed([](GgufFile& file) {
                  file.at("tokenizer.ggml.scores").value =
                      EncodedArray(GgufValueType::kF32, {Encoded(0.0F)});
                }).status(),
                "wanted one for each of 32000 tokens, the file has 1");
  for (const int32_t kind : {-1, 0, 7}) {
    ExpectRefused(Changed([&](GgufFile& file) {
                    file.at("tokenizer.ggml.token_type").value = EncodedArray(
                        GgufValueType::kI32, std::vector<std::string>(32'000, Encoded(kind)));
                  }).status(),
                  "tokenizer.ggml.token_type");
  }
}

}  // namespace
}  // namespace windrose
