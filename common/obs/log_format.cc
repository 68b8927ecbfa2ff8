#include <string>

#include "common/base/hex.h"
#include "common/obs/process_log.h"

namespace windrose {
namespace {

constexpr size_t kLongestValue = 512;

// The length of the valid UTF-8 sequence at the beginning of `text`, 0 when it is not one. Overlong
// forms, surrogates and values above U+10FFFF are not valid.
size_t Utf8Length(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto is_tail = [&](size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!is_tail(1) || !is_tail(2)) return 0;
    if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F)) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!is_tail(1) || !is_tail(2) || !is_tail(3)) return 0;
    if ((first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

// U+0080-U+009F are control characters too, and some terminals obey them; U+2028 and U+2029 end
// lines for some readers, and U+202A-U+202E and U+2066-U+2069 turn the direction of what follows.
bool IsHarmful(std::string_view sequence) {
  if (sequence.size() == 2) return sequence[0] == '\xC2' && sequence[1] < '\xA0';
  if (sequence.size() != 3 || sequence[0] != '\xE2') return false;
  if (sequence[1] == '\x80') return sequence[2] >= '\xA8' && sequence[2] <= '\xAE';
  return sequence[1] == '\x81' && sequence[2] >= '\xA6' && sequence[2] <= '\xA9';
}

void AppendHexEscape(char byte, std::string& out) {
  out += "\\x" + HexDigits(static_cast<unsigned char>(byte), 2);
}

bool IsPlain(std::string_view value) {
  for (const char byte : value) {
    const bool plain = byte > ' ' && byte < 0x7f && byte != '"' && byte != '\\' && byte != '=';
    if (!plain) return false;
  }
  return !value.empty();
}

void AppendEscaped(std::string_view sequence, std::string& out) {
  const char byte = sequence.front();
  if (byte == '"' || byte == '\\') {
    out += '\\';
    out += byte;
  } else if (byte == '\n') {
    out += "\\n";
  } else if (byte == '\r') {
    out += "\\r";
  } else if (byte == '\t') {
    out += "\\t";
  } else {
    for (const char part : sequence) AppendHexEscape(part, out);
  }
}

bool NeedsEscape(std::string_view sequence) {
  if (sequence.size() > 1) return IsHarmful(sequence);
  const auto value = static_cast<unsigned char>(sequence.front());
  return value < 0x20 || value >= 0x7f || value == '"' || value == '\\';
}

}  // namespace

std::string EscapeLogValue(std::string_view value) {
  const bool is_cut = value.size() > kLongestValue;
  if (is_cut) value = value.substr(0, kLongestValue);
  if (!is_cut && IsPlain(value)) return std::string(value);
  std::string out = "\"";
  while (!value.empty()) {
    const size_t length = Utf8Length(value);
    const std::string_view sequence = value.substr(0, length == 0 ? 1 : length);
    if (length == 0 || NeedsEscape(sequence)) {
      AppendEscaped(sequence, out);
    } else {
      out += sequence;
    }
    value.remove_prefix(sequence.size());
  }
  if (is_cut) out += "...";
  out += '"';
  return out;
}

std::string FormatLogLine(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line = EscapeLogValue(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += EscapeLogValue(field.key);
    line += '=';
    line += EscapeLogValue(field.value);
  }
  return line;
}

StatusOr<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  if (text == "off") return LogLevel::kOff;
  return InvalidArgument("wanted debug, info, warn, error or off, got " + EscapeLogValue(text));
}

}  // namespace windrose
