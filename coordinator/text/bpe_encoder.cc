#include "coordinator/text/bpe_encoder.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "common/base/utf8.h"

namespace windrose {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581
constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";
constexpr uint32_t kNone = UINT32_MAX;
// Texts are merged in chunks, so that the heap stays in the cache.
constexpr size_t kChunkBytes = 64;

std::string Normalise(std::string_view text) {
  std::string normalised(kSpaceMark);
  normalised.reserve(kSpaceMark.size() + text.size() + text.size() / 2);
  while (!text.empty()) {
    const size_t bytes = Utf8CharacterBytes(text);
    if (bytes == 0) {
      normalised += kReplacementCharacter;
    } else if (text.front() == ' ') {
      normalised += kSpaceMark;
    } else {
      normalised += text.substr(0, bytes);
    }
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return normalised;
}

// Whether a space mark stands behind another character: then the text may not be cut before spaces.
bool HasInnerSpace(std::string_view piece) {
  while (piece.substr(0, kSpaceMark.size()) == kSpaceMark) piece.remove_prefix(kSpaceMark.size());
  return piece.find(kSpaceMark) != std::string_view::npos;
}

}  // namespace

struct BpeEncoder::Merge {
  float score;
  uint32_t left;
  uint32_t right;
  uint32_t bytes;  // of both together; differs once either has changed
  // The worse one.
  bool operator<(const Merge& other) const {
    return score < other.score || (score == other.score && left > other.left);
  }
};

struct BpeEncoder::Workspace {
  // A run of the chunk; a list by index. A symbol that was merged into its left neighbour is empty.
  struct Symbol {
    uint32_t begin;
    uint32_t bytes;
    uint32_t previous;
    uint32_t next;
  };
  std::vector<Symbol> symbols;
  std::priority_queue<Merge> merges;

  // One symbol per character.
  void Split(std::string_view chunk) {
    symbols.clear();
    for (uint32_t begin = 0; begin < chunk.size(); begin += symbols.back().bytes) {
      const auto index = static_cast<uint32_t>(symbols.size());
      const auto bytes = static_cast<uint32_t>(Utf8CharacterBytes(chunk.substr(begin)));
      symbols.push_back({begin, bytes, index == 0 ? kNone : index - 1, index + 1});
    }
    symbols.back().next = kNone;
  }

  // False when either side has changed since the merge was found.
  bool Apply(const Merge& merge) {
    Symbol& left = symbols[merge.left];
    Symbol& right = symbols[merge.right];
    if (left.bytes == 0 || right.bytes == 0 || left.bytes + right.bytes != merge.bytes) {
      return false;
    }
    left.bytes = merge.bytes;
    left.next = right.next;
    if (right.next != kNone) symbols[right.next].previous = merge.left;
    right.bytes = 0;
    return true;
  }
};

BpeEncoder::BpeEncoder(const TokenizerFile& file) : file_(file) {
  for (uint32_t id = 0; id < file.pieces.size(); ++id) {
    const Piece& piece = file.pieces[id];
    if (piece.kind == PieceKind::kByte) {
      byte_ids_[static_cast<size_t>(ByteOfPieceName(piece.text))] = TokenId(id);
    }
    if (piece.kind != PieceKind::kNormal) continue;
    ids_.emplace(piece.text, id);
    longest_piece_ = std::max(longest_piece_, piece.text.size());
    spaces_begin_pieces_ = spaces_begin_pieces_ && !HasInnerSpace(piece.text);
  }
}

std::vector<TokenId> BpeEncoder::Encode(std::string_view text) const {
  std::vector<TokenId> ids;
  if (text.empty()) return ids;
  const std::string normalised = Normalise(text);
  Workspace work;
  for (size_t begin = 0; begin < normalised.size();) {
    const size_t end = ChunkEnd(normalised, begin);
    EncodeChunk(std::string_view(normalised).substr(begin, end - begin), work, &ids);
    begin = end;
  }
  return ids;
}

// A place before a space behind another character, which no merge spans; or the end.
size_t BpeEncoder::ChunkEnd(std::string_view normalised, size_t begin) const {
  if (!spaces_begin_pieces_) return normalised.size();
  size_t end = normalised.find(kSpaceMark, begin + kChunkBytes);
  while (end != std::string_view::npos && normalised.substr(0, end).ends_with(kSpaceMark)) {
    end = normalised.find(kSpaceMark, end + kSpaceMark.size());
  }
  return std::min(end, normalised.size());
}

void BpeEncoder::EncodeChunk(std::string_view chunk, Workspace& work,
                             std::vector<TokenId>* ids) const {
  work.Split(chunk);
  for (uint32_t right = 1; right < work.symbols.size(); ++right) {
    AddMerge(chunk, right - 1, right, work);
  }
  while (!work.merges.empty()) {
    const Merge merge = work.merges.top();
    work.merges.pop();
    if (!work.Apply(merge)) continue;
    const Workspace::Symbol& merged = work.symbols[merge.left];
    AddMerge(chunk, merged.previous, merge.left, work);
    AddMerge(chunk, merge.left, merged.next, work);
  }
  for (const Workspace::Symbol& symbol : work.symbols) {
    if (symbol.bytes > 0) AppendIds(chunk.substr(symbol.begin, symbol.bytes), ids);
  }
}

void BpeEncoder::AppendIds(std::string_view symbol, std::vector<TokenId>* ids) const {
  if (const auto found = ids_.find(symbol); found != ids_.end()) {
    ids->emplace_back(found->second);
    return;
  }
  for (const char byte : symbol) ids->push_back(byte_ids_[static_cast<uint8_t>(byte)]);
}

// Neighbours stand side by side in the chunk, so their concatenation is a run of it.
void BpeEncoder::AddMerge(std::string_view chunk, uint32_t left, uint32_t right,
                          Workspace& work) const {
  if (left == kNone || right == kNone) return;
  const uint32_t bytes = work.symbols[left].bytes + work.symbols[right].bytes;
  if (bytes > longest_piece_) return;
  const auto found = ids_.find(chunk.substr(work.symbols[left].begin, bytes));
  if (found == ids_.end()) return;
  work.merges.push({file_.pieces[found->second].score, left, right, bytes});
}

}  // namespace windrose
