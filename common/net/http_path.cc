#include <optional>
#include <string>
#include <string_view>

#include "common/net/http_characters.h"
#include "common/net/http_gate.h"

namespace windrose {
namespace {

// Appends the decoded form of the escape whose two digits are `high` and `low`; false when hostile.
bool AppendEscape(char high, char low, std::string& path) {
  const int high_value = HexValue(high);
  const int low_value = HexValue(low);
  if (high_value < 0 || low_value < 0) return false;
  const int byte = high_value * 16 + low_value;
  if (byte == '/') {
    path += "%2F";
    return true;
  }
  // "%25" would make the decoded path look encoded again.
  if (byte <= ' ' || byte >= 0x7f || byte == '\\' || byte == '%') return false;
  path += static_cast<char>(byte);
  return true;
}

bool IsPlainSegment(std::string_view segment) { return segment != "." && segment != ".."; }

// No dot segments, seen with "%2F" as a separator too; no empty segment but the last.
bool HasPlainSegments(std::string_view path) {
  path.remove_prefix(1);
  while (true) {
    const size_t slash = path.find('/');
    std::string_view segment = path.substr(0, slash);
    if (segment.empty() && slash != std::string_view::npos) return false;
    for (size_t inner = segment.find("%2F"); inner != std::string_view::npos;
         inner = segment.find("%2F")) {
      if (!IsPlainSegment(segment.substr(0, inner))) return false;
      segment.remove_prefix(inner + 3);
    }
    if (!IsPlainSegment(segment)) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::optional<std::string> DecodeHttpPath(std::string_view raw) {
  if (raw.empty() || raw.front() != '/') return std::nullopt;
  std::string path;
  path.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    const char byte = raw[i];
    if (byte == '%') {
      if (i + 2 >= raw.size() || !AppendEscape(raw[i + 1], raw[i + 2], path)) return std::nullopt;
      i += 2;
    } else if (byte <= ' ' || byte >= 0x7f || byte == '\\') {
      return std::nullopt;
    } else {
      path += byte;
    }
  }
  if (!HasPlainSegments(path)) return std::nullopt;
  return path;
}

}  // namespace windrose
