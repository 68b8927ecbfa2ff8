// TokenizerFile: what a SentencePiece model file says.
//
// A model directory is input, so whatever Mixtral's tokenizer does not need is refused here. Pure
// functions and values; Thread-safe.
//
//   file       = *( piece | trainer | normalizer | other )      sentencepiece.ModelProto
//   piece      = 1: { 1: text  2: score, float  3: kind }
//   trainer    = 2: { 3: model type  24: space as suffix  35: byte fallback
//                     40, 41, 42: unk, bos, eos }
//   normalizer = 3 or 5: { 2: compiled map  3: dummy prefix  4: trim spaces  5: escape spaces
//                          6: rules }
//
// Accepted: BPE with byte fallback (all 256 byte pieces), no normalisation, a dummy prefix, spaces
// kept and escaped; unique, non-empty UTF-8 pieces with finite scores; one <unk>; control pieces
// for bos and eos; no user-defined and no unused pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace windrose {

constexpr size_t kMaxTokenizerFileBytes = size_t{16} << 20;
constexpr size_t kMaxPieces = size_t{1} << 18;
constexpr size_t kMaxPieceBytes = 512;

// The file's own numbers.
enum class PieceKind : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct Piece {
  std::string text;
  float score = 0;
  PieceKind kind = PieceKind::kNormal;
};

struct TokenizerFile {
  std::vector<Piece> pieces;  // by token id
  TokenId unknown{0};
  TokenId bos{1};
  TokenId eos{2};
};

// INVALID_ARGUMENT naming the piece or setting at fault.
StatusOr<TokenizerFile> ParseTokenizerFile(std::string_view bytes);

// FAILED_PRECONDITION unless there is one piece for each of `vocabulary` rows of an embedding.
Status CheckVocabulary(const TokenizerFile& file, size_t vocabulary);

// The byte a byte piece stands for, from its name "<0xNN>"; -1 when `name` is not such a name.
int ByteOfPieceName(std::string_view name);

}  // namespace windrose
