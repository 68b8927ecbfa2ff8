#include "common/model/gguf_tokenizer.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>
#include <vector>

#include "common/model/strict_json.h"
#include "common/model/tokenizer_file.h"

namespace windrose {
namespace {

constexpr uint64_t kBytePairEncoding = 2;
constexpr const char* kSpacePrefix = "tokenizer.ggml.add_space_prefix";

// Both formats have the same numbers.
constexpr uint32_t NumberOf(PieceKind kind) { return static_cast<uint32_t>(kind); }

struct Vocabulary {
  std::vector<std::string_view> tokens;
  std::vector<float> scores;
  std::vector<uint32_t> kinds;
  uint32_t unknown = 0;  // an id
};

// Absent ids and flags are what the format says a tokenizer of this kind has.
StatusOr<uint32_t> CountOr(const GgufMetadata& metadata, std::string_view key, uint32_t absent) {
  return metadata.Has(key) ? metadata.Count(key) : absent;
}

StatusOr<bool> FlagOr(const GgufMetadata& metadata, std::string_view key, bool absent) {
  return metadata.Has(key) ? metadata.Flag(key) : absent;
}

Status CheckLength(const char* key, size_t length, size_t tokens) {
  if (length == tokens) return OkStatus();
  return InvalidArgument(std::string(key) + ": wanted one for each of " + std::to_string(tokens) +
                         " tokens, the file has " + std::to_string(length));
}

StatusOr<Vocabulary> ReadVocabulary(const GgufMetadata& metadata) {
  constexpr const char* kTokens = "tokenizer.ggml.tokens";
  constexpr const char* kScores = "tokenizer.ggml.scores";
  constexpr const char* kKinds = "tokenizer.ggml.token_type";
  for (const char* key : {kTokens, kScores, kKinds}) {
    if (!metadata.Has(key)) return InvalidArgument(std::string(key) + ": is missing");
  }
  Vocabulary vocabulary;
  ASSIGN_OR_RETURN(vocabulary.tokens, metadata.Texts(kTokens, kMaxGgufTokens));
  ASSIGN_OR_RETURN(vocabulary.scores, metadata.Floats(kScores, kMaxGgufTokens));
  ASSIGN_OR_RETURN(vocabulary.kinds, metadata.Counts(kKinds, kMaxGgufTokens));
  const size_t tokens = vocabulary.tokens.size();
  RETURN_IF_ERROR(CheckLength(kScores, vocabulary.scores.size(), tokens));
  RETURN_IF_ERROR(CheckLength(kKinds, vocabulary.kinds.size(), tokens));
  for (const uint32_t kind : vocabulary.kinds) {
    if (kind >= NumberOf(PieceKind::kNormal) && kind <= NumberOf(PieceKind::kByte)) continue;
    return InvalidArgument(std::string(kKinds) + ": wanted 1 to 6, the file has " +
                           std::to_string(kind));
  }
  ASSIGN_OR_RETURN(vocabulary.unknown, CountOr(metadata, "tokenizer.ggml.unknown_token_id", 0));
  // Recent converters write every special piece as a control piece, the unknown one, too.
  if (vocabulary.unknown < tokens) {
    uint32_t& kind = vocabulary.kinds[vocabulary.unknown];
    if (kind == NumberOf(PieceKind::kControl)) kind = NumberOf(PieceKind::kUnknown);
  }
  return vocabulary;
}

// Appends fields of one protobuf message.
class MessageWriter {
 public:
  void Number(uint32_t field, uint64_t value) {
    Varint(uint64_t{field} << 3);
    Varint(value);
  }

  void Float(uint32_t field, float value) {
    Varint(uint64_t{field} << 3 | 5);
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift & 0xFF);
  }

  void Bytes(uint32_t field, std::string_view value) {
    Varint(uint64_t{field} << 3 | 2);
    Varint(value.size());
    bytes_ += value;
  }

  const std::string& bytes() const { return bytes_; }
  std::string Finish() && { return std::move(bytes_); }

 private:
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7F) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

StatusOr<std::string> TrainerMessage(const GgufMetadata& metadata, const Vocabulary& vocabulary) {
  ASSIGN_OR_RETURN(const uint32_t bos, CountOr(metadata, "tokenizer.ggml.bos_token_id", 1));
  ASSIGN_OR_RETURN(const uint32_t eos, CountOr(metadata, "tokenizer.ggml.eos_token_id", 2));
  const auto& kinds = vocabulary.kinds;
  const bool has_bytes =
      std::find(kinds.begin(), kinds.end(), NumberOf(PieceKind::kByte)) != kinds.end();
  MessageWriter trainer;
  trainer.Number(3, kBytePairEncoding);
  trainer.Number(4, vocabulary.tokens.size());
  trainer.Number(35, has_bytes ? 1 : 0);
  trainer.Number(40, vocabulary.unknown);
  trainer.Number(41, bos);
  trainer.Number(42, eos);
  return std::move(trainer).Finish();
}

StatusOr<std::string> NormalizerMessage(const GgufMetadata& metadata) {
  ASSIGN_OR_RETURN(const bool trim_spaces,
                   FlagOr(metadata, "tokenizer.ggml.remove_extra_whitespaces", false));
  MessageWriter normalizer;
  normalizer.Bytes(1, "identity");
  normalizer.Number(3, 1);  // whatever kSpacePrefix says
  normalizer.Number(4, trim_spaces ? 1 : 0);
  normalizer.Number(5, 1);
  return std::move(normalizer).Finish();
}

Status CheckModel(const GgufMetadata& metadata) {
  constexpr const char* kRules = "tokenizer.ggml.precompiled_charsmap";
  ASSIGN_OR_RETURN(const std::string_view model, metadata.Text("tokenizer.ggml.model"));
  if (model != "llama") {
    return InvalidArgument("tokenizer.ggml.model: wanted \"llama\", which is SentencePiece with " +
                           std::string("byte pairs; the file has ") + Quoted(model));
  }
  if (!metadata.Has(kRules)) return OkStatus();
  return InvalidArgument(std::string(kRules) + ": normalisation rules are not supported");
}

}  // namespace

StatusOr<std::string> GgufTokenizerModel(const GgufMetadata& metadata) {
  RETURN_IF_ERROR(CheckModel(metadata));
  ASSIGN_OR_RETURN(const Vocabulary vocabulary, ReadVocabulary(metadata));
  ASSIGN_OR_RETURN(const std::string trainer, TrainerMessage(metadata, vocabulary));
  ASSIGN_OR_RETURN(const std::string normalizer, NormalizerMessage(metadata));
  MessageWriter file;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    MessageWriter piece;
    piece.Bytes(1, vocabulary.tokens[id]);
    piece.Float(2, vocabulary.scores[id]);
    piece.Number(3, vocabulary.kinds[id]);
    file.Bytes(1, piece.bytes());
    if (file.bytes().size() > kMaxTokenizerFileBytes) {
      return InvalidArgument("tokenizer.ggml.tokens: wanted at most " +
                             std::to_string(kMaxTokenizerFileBytes) + " bytes, the file has more");
    }
  }
  file.Bytes(2, trainer);
  file.Bytes(3, normalizer);
  return std::move(file).Finish();
}

// llama.cpp's converter writes false when "add_prefix_space" is null, as it is in the Hub's
// settings of Mixtral-Instruct, whose tokenizer puts a space in front like the base model's.
std::string GgufTokenizerWarning(const GgufMetadata& metadata) {
  if (FlagOr(metadata, kSpacePrefix, true).value_or(true)) return "";
  return std::string(kSpacePrefix) +
         ": is false; texts get a space in front all the same, as those that Mixtral learned from";
}

}  // namespace windrose
