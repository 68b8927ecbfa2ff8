#include "coordinator/text/tokenizer.h"

#include <utility>

namespace windrose {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

std::string WithSpaces(std::string_view piece) {
  std::string text;
  text.reserve(piece.size());
  while (!piece.empty()) {
    const bool is_space = piece.substr(0, kSpaceMark.size()) == kSpaceMark;
    text.push_back(is_space ? ' ' : piece.front());
    piece.remove_prefix(is_space ? kSpaceMark.size() : 1);
  }
  return text;
}

std::string BytesOf(const Piece& piece) {
  switch (piece.kind) {
    case PieceKind::kNormal:
    case PieceKind::kUserDefined:
    case PieceKind::kUnused:
      return WithSpaces(piece.text);
    case PieceKind::kByte:
      return std::string(1, static_cast<char>(ByteOfPieceName(piece.text)));
    case PieceKind::kUnknown:
    case PieceKind::kControl:
      break;
  }
  return "";
}

}  // namespace

StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::Create(std::string_view bytes) {
  StatusOr<TokenizerFile> file = ParseTokenizerFile(bytes);
  if (!file.ok()) return Annotate(file.status(), "tokenizer.model");
  return std::unique_ptr<const Tokenizer>(new Tokenizer(std::move(file).value()));
}

Tokenizer::Tokenizer(TokenizerFile file) : file_(std::move(file)), encoder_(file_) {
  bytes_.reserve(file_.pieces.size());
  for (const Piece& piece : file_.pieces) bytes_.push_back(BytesOf(piece));
}

StatusOr<std::vector<TokenId>> Tokenizer::Encode(std::string_view text) const {
  if (text.size() > kMaxTextBytes) {
    return InvalidArgument("text: wanted at most " + std::to_string(kMaxTextBytes) +
                           " bytes; got " + std::to_string(text.size()));
  }
  return encoder_.Encode(text);
}

std::string_view Tokenizer::Bytes(TokenId id) const {
  return id.value() < bytes_.size() ? std::string_view(bytes_[id.value()]) : std::string_view();
}

std::string_view Tokenizer::Name(TokenId id) const {
  if (id.value() >= vocabulary_size()) return {};
  return file_.pieces[id.value()].text;
}

bool Tokenizer::IsControl(TokenId id) const {
  if (id.value() >= vocabulary_size()) return false;
  const PieceKind kind = file_.pieces[id.value()].kind;
  return kind == PieceKind::kControl || kind == PieceKind::kUnknown;
}

bool Tokenizer::IsByte(TokenId id) const {
  return id.value() < vocabulary_size() && file_.pieces[id.value()].kind == PieceKind::kByte;
}

StatusOr<TokenId> Tokenizer::ControlPiece(std::string_view name) const {
  for (uint32_t i = 0; i < vocabulary_size(); ++i) {
    if (IsControl(TokenId(i)) && Name(TokenId(i)) == name) return TokenId(i);
  }
  return NotFound("no control piece has this name");
}

}  // namespace windrose
