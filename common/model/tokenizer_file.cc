#include "common/model/tokenizer_file.h"

#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <utility>

#include "common/base/utf8.h"

namespace windrose {
namespace {

constexpr uint64_t kBytePairEncoding = 2;

// One field of a protobuf message: `bytes` for length-delimited fields, `number` for the others.
struct Field {
  uint32_t id = 0;
  uint32_t wire_type = 0;
  uint64_t number = 0;
  std::string_view bytes;
};

// Walks the fields of one message; bounds are checked at every step.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }

  StatusOr<Field> Next() {
    Field field;
    ASSIGN_OR_RETURN(const uint64_t key, Varint());
    field.id = static_cast<uint32_t>(key >> 3);
    field.wire_type = static_cast<uint32_t>(key & 7);
    if (key >> 32 != 0 || field.id == 0) return Malformed();
    switch (field.wire_type) {
      case 0: {
        ASSIGN_OR_RETURN(field.number, Varint());
        return field;
      }
      case 1:
        return Fixed(field, 8);
      case 2: {
        ASSIGN_OR_RETURN(const uint64_t size, Varint());
        if (size > rest_.size()) return Malformed();
        field.bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return field;
      }
      case 5:
        return Fixed(field, 4);
      default:
        return Malformed();
    }
  }

 private:
  static Status Malformed() { return InvalidArgument("not a SentencePiece model: bad protobuf"); }

  StatusOr<uint64_t> Varint() {
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const uint8_t byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return Malformed();
  }

  StatusOr<Field> Fixed(Field field, size_t size) {
    if (rest_.size() < size) return Malformed();
    std::array<unsigned char, 8> bytes{};
    std::memcpy(bytes.data(), rest_.data(), size);
    for (size_t i = 0; i < size; ++i) field.number |= uint64_t{bytes[i]} << (8 * i);
    rest_.remove_prefix(size);
    return field;
  }

  std::string_view rest_;
};

// The settings that matter, with the defaults of sentencepiece_model.proto.
struct Settings {
  uint64_t model_type = 1;  // unigram
  bool byte_fallback = false;
  bool space_as_suffix = false;
  uint64_t unknown = 0;
  uint64_t bos = 1;
  uint64_t eos = 2;
  bool add_dummy_prefix = true;
  bool trim_spaces = true;
  bool escape_spaces = true;
  bool has_rules = false;
};

std::string PieceName(size_t id) { return "piece " + std::to_string(id); }

Status ReadPiece(std::string_view message, size_t id, Piece* piece) {
  MessageReader reader(message);
  uint64_t kind = static_cast<uint64_t>(PieceKind::kNormal);
  while (!reader.AtEnd()) {
    ASSIGN_OR_RETURN(const Field field, reader.Next());
    if (field.id == 1 && field.wire_type == 2) piece->text = std::string(field.bytes);
    if (field.id == 3 && field.wire_type == 0) kind = field.number;
    if (field.id == 2 && field.wire_type == 5) {
      const uint32_t bits = static_cast<uint32_t>(field.number);
      std::memcpy(&piece->score, &bits, sizeof bits);
    }
  }
  if (kind < static_cast<uint64_t>(PieceKind::kNormal) ||
      kind > static_cast<uint64_t>(PieceKind::kByte)) {
    return InvalidArgument(PieceName(id) + ": unknown kind " + std::to_string(kind));
  }
  piece->kind = static_cast<PieceKind>(kind);
  return OkStatus();
}

Status ReadTrainer(std::string_view message, Settings* settings) {
  MessageReader reader(message);
  while (!reader.AtEnd()) {
    ASSIGN_OR_RETURN(const Field field, reader.Next());
    if (field.wire_type != 0) continue;
    if (field.id == 3) settings->model_type = field.number;
    if (field.id == 24) settings->space_as_suffix = field.number != 0;
    if (field.id == 35) settings->byte_fallback = field.number != 0;
    if (field.id == 40) settings->unknown = field.number;
    if (field.id == 41) settings->bos = field.number;
    if (field.id == 42) settings->eos = field.number;
  }
  return OkStatus();
}

Status ReadNormalizer(std::string_view message, Settings* settings) {
  MessageReader reader(message);
  while (!reader.AtEnd()) {
    ASSIGN_OR_RETURN(const Field field, reader.Next());
    if (field.wire_type == 2 && (field.id == 2 || field.id == 6) && !field.bytes.empty()) {
      settings->has_rules = true;
    }
    if (field.wire_type != 0) continue;
    if (field.id == 3) settings->add_dummy_prefix = field.number != 0;
    if (field.id == 4) settings->trim_spaces = field.number != 0;
    if (field.id == 5) settings->escape_spaces = field.number != 0;
  }
  return OkStatus();
}

Status CheckSettings(const Settings& settings) {
  const std::array<std::pair<bool, const char*>, 7> wanted = {{
      {settings.model_type == kBytePairEncoding, "model_type must be BPE"},
      {settings.byte_fallback, "byte_fallback must be on"},
      {!settings.space_as_suffix, "treat_whitespace_as_suffix must be off"},
      {settings.add_dummy_prefix, "add_dummy_prefix must be on"},
      {!settings.trim_spaces, "remove_extra_whitespaces must be off"},
      {settings.escape_spaces, "escape_whitespaces must be on"},
      {!settings.has_rules, "there must be no normalisation rules"},
  }};
  for (const auto& [holds, rule] : wanted) {
    if (!holds) return InvalidArgument(std::string("unsupported tokenizer: ") + rule);
  }
  return OkStatus();
}

Status CheckPiece(const Piece& piece, size_t id) {
  if (piece.text.empty() || piece.text.size() > kMaxPieceBytes) {
    return InvalidArgument(PieceName(id) + ": wanted 1 to " + std::to_string(kMaxPieceBytes) +
                           " bytes; got " + std::to_string(piece.text.size()));
  }
  if (piece.text.find('\0') != std::string::npos || !IsValidUtf8(piece.text)) {
    return InvalidArgument(PieceName(id) + ": not UTF-8 text without NUL");
  }
  if (!std::isfinite(piece.score)) return InvalidArgument(PieceName(id) + ": score not finite");
  if (piece.kind == PieceKind::kUserDefined || piece.kind == PieceKind::kUnused) {
    return InvalidArgument(PieceName(id) + ": user-defined and unused pieces are not supported");
  }
  if (piece.kind == PieceKind::kByte && ByteOfPieceName(piece.text) < 0) {
    return InvalidArgument(PieceName(id) + ": a byte piece must be called <0xNN>");
  }
  return OkStatus();
}

Status CheckPieces(const std::vector<Piece>& pieces) {
  std::unordered_set<std::string_view> names;
  size_t byte_pieces = 0;
  size_t unknown_pieces = 0;
  for (size_t id = 0; id < pieces.size(); ++id) {
    RETURN_IF_ERROR(CheckPiece(pieces[id], id));
    if (!names.insert(pieces[id].text).second) {
      return InvalidArgument(PieceName(id) + ": the same text as an earlier piece");
    }
    byte_pieces += pieces[id].kind == PieceKind::kByte ? 1 : 0;
    unknown_pieces += pieces[id].kind == PieceKind::kUnknown ? 1 : 0;
  }
  if (byte_pieces != 256) {
    return InvalidArgument("wanted 256 byte pieces; got " + std::to_string(byte_pieces));
  }
  if (unknown_pieces != 1) {
    return InvalidArgument("wanted one unknown piece; got " + std::to_string(unknown_pieces));
  }
  return OkStatus();
}

StatusOr<TokenId> SpecialId(const std::vector<Piece>& pieces, uint64_t id, PieceKind kind,
                            const char* name) {
  if (id < pieces.size() && pieces[id].kind == kind) return TokenId(static_cast<uint32_t>(id));
  return InvalidArgument(std::string(name) + " " + std::to_string(id) +
                         ": not a piece of the right kind");
}

Status ReadField(const Field& field, Settings* settings, std::vector<Piece>* pieces) {
  if (field.wire_type != 2) return InvalidArgument("not a SentencePiece model: bad protobuf");
  switch (field.id) {
    case 1:
      if (pieces->size() == kMaxPieces) {
        return InvalidArgument("wanted at most " + std::to_string(kMaxPieces) +
                               " pieces; got more");
      }
      pieces->emplace_back();
      return ReadPiece(field.bytes, pieces->size() - 1, &pieces->back());
    case 2:
      return ReadTrainer(field.bytes, settings);
    case 3:
      return ReadNormalizer(field.bytes, settings);
    case 5: {
      // The denormaliser works on decoding only, which we do ourselves; it must have no rules
      // either.
      Settings denormalizer;
      RETURN_IF_ERROR(ReadNormalizer(field.bytes, &denormalizer));
      settings->has_rules = settings->has_rules || denormalizer.has_rules;
      return OkStatus();
    }
    default:
      return OkStatus();
  }
}

}  // namespace

int ByteOfPieceName(std::string_view name) {
  if (name.size() != 6 || name.substr(0, 3) != "<0x" || name.back() != '>') return -1;
  int value = 0;
  for (const char digit : name.substr(3, 2)) {
    if (digit >= '0' && digit <= '9') {
      value = value * 16 + (digit - '0');
    } else if (digit >= 'A' && digit <= 'F') {
      value = value * 16 + (digit - 'A' + 10);
    } else {
      return -1;
    }
  }
  return value;
}

StatusOr<TokenizerFile> ParseTokenizerFile(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kMaxTokenizerFileBytes) {
    return InvalidArgument("wanted a tokenizer of 1 to " + std::to_string(kMaxTokenizerFileBytes) +
                           " bytes");
  }
  TokenizerFile file;
  Settings settings;
  MessageReader reader(bytes);
  while (!reader.AtEnd()) {
    ASSIGN_OR_RETURN(const Field field, reader.Next());
    RETURN_IF_ERROR(ReadField(field, &settings, &file.pieces));
  }
  RETURN_IF_ERROR(CheckSettings(settings));
  RETURN_IF_ERROR(CheckPieces(file.pieces));
  ASSIGN_OR_RETURN(file.unknown,
                   SpecialId(file.pieces, settings.unknown, PieceKind::kUnknown, "unk_id"));
  ASSIGN_OR_RETURN(file.bos, SpecialId(file.pieces, settings.bos, PieceKind::kControl, "bos_id"));
  ASSIGN_OR_RETURN(file.eos, SpecialId(file.pieces, settings.eos, PieceKind::kControl, "eos_id"));
  if (file.bos == file.eos) return InvalidArgument("bos_id and eos_id are the same piece");
  return file;
}

Status CheckVocabulary(const TokenizerFile& file, size_t vocabulary) {
  if (file.pieces.size() == vocabulary) return OkStatus();
  return FailedPrecondition("the tokenizer has " + std::to_string(file.pieces.size()) +
                            " pieces, the model's vocabulary " + std::to_string(vocabulary));
}

}  // namespace windrose
