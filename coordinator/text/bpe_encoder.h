// BpeEncoder: byte-pair encoding as SentencePiece does it, of text that needs no normalisation.
//
//   text       = characters; each byte that is not UTF-8 becomes U+FFFD
//   normalised = U+2581 text, with U+2581 for each space
//   start        one symbol per character
//   merge        of all neighbours whose concatenation is a piece, the pair whose piece scores
//   best, the
//                leftmost of equals; again until there is none
//   ids          of the symbols; of a character that is no piece, its bytes' pieces
//
// Ours instead of the library's, because the distribution's libsentencepiece carries a protobuf of
// its own that replaces, symbol by symbol, the one gRPC uses. Merges wait in a heap, so n
// characters cost n log n. Owned by Tokenizer. Immutable: Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/model/tokenizer_file.h"

namespace windrose {

class BpeEncoder {
 public:
  // `file` as ParseTokenizerFile gave it; must outlive this and not move.
  explicit BpeEncoder(const TokenizerFile& file);

  // The ids of `text`; none for the empty text. Only normal and byte pieces.
  std::vector<TokenId> Encode(std::string_view text) const;

 private:
  struct Merge;
  struct Workspace;

  void EncodeChunk(std::string_view chunk, Workspace& work, std::vector<TokenId>* ids) const;
  void AddMerge(std::string_view chunk, uint32_t left, uint32_t right, Workspace& work) const;
  void AppendIds(std::string_view symbol, std::vector<TokenId>* ids) const;
  size_t ChunkEnd(std::string_view normalised, size_t begin) const;

  const TokenizerFile& file_;
  std::unordered_map<std::string_view, uint32_t> ids_;  // of normal pieces
  std::array<TokenId, 256> byte_ids_{};
  size_t longest_piece_ = 0;  // bytes
  bool spaces_begin_pieces_ = true;
};

}  // namespace windrose
