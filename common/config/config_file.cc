#include "common/config/config_file.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>

namespace windrose {
namespace {

bool IsSpace(char byte) { return byte == ' '; }

bool IsKeyByte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

bool IsBareByte(char byte) {
  return byte > ' ' && byte < 0x7f && byte != '"' && byte != '\'' && byte != '#' && byte != '[' &&
         byte != ']' && byte != ',' && byte != '=' && byte != '&' && byte != '*' && byte != '{' &&
         byte != '}';
}

// Reads one line from left to right.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  void SkipSpace() {
    while (!rest_.empty() && IsSpace(rest_.front())) rest_.remove_prefix(1);
  }
  // Nothing but a comment is left.
  bool AtEnd() {
    SkipSpace();
    return rest_.empty() || rest_.front() == '#';
  }
  bool Take(char byte) {
    SkipSpace();
    if (rest_.empty() || rest_.front() != byte) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string TakeWhile(bool (*accepts)(char)) {
    SkipSpace();
    size_t length = 0;
    while (length < rest_.size() && accepts(rest_[length])) ++length;
    const std::string taken(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return taken;
  }
  StatusOr<std::string> TakeString();
  StatusOr<std::string> TakeScalar();
  StatusOr<std::string> TakeValue();

 private:
  std::string_view rest_;
};

StatusOr<std::string> LineReader::TakeString() {
  std::string text;
  while (!rest_.empty()) {
    const char byte = rest_.front();
    rest_.remove_prefix(1);
    if (byte == '"') return text;
    if (byte != '\\') {
      text += byte;
      continue;
    }
    if (rest_.empty()) break;
    const char escaped = rest_.front();
    rest_.remove_prefix(1);
    if (escaped == 'n') {
      text += '\n';
    } else if (escaped == 't') {
      text += '\t';
    } else if (escaped == '"' || escaped == '\\') {
      text += escaped;
    } else {
      return InvalidArgument("wanted one of \\\" \\\\ \\n \\t in a string");
    }
  }
  return InvalidArgument("wanted a closing quote");
}

StatusOr<std::string> LineReader::TakeScalar() {
  if (Take('"')) return TakeString();
  std::string word = TakeWhile(IsBareByte);
  if (word.empty()) return InvalidArgument("wanted a value: a word, a \"string\" or a [list]");
  return word;
}

StatusOr<std::string> LineReader::TakeValue() {
  if (!Take('[')) return TakeScalar();
  std::string joined;
  if (Take(']')) return joined;
  while (true) {
    ASSIGN_OR_RETURN(const std::string item, TakeScalar());
    if (item.empty()) return InvalidArgument("wanted list items, none of them empty");
    if (item.find(',') != std::string::npos) {
      return InvalidArgument("wanted list items without a comma inside");
    }
    joined += (joined.empty() ? "" : ",") + item;
    if (Take(']')) return joined;
    if (!Take(',')) return InvalidArgument("wanted ',' or ']' in a list");
  }
}

StatusOr<ConfigEntry> ParseLine(std::string_view line) {
  for (const char byte : line) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f) {
      return InvalidArgument("wanted no tabs or control bytes, got byte " + std::to_string(value));
    }
  }
  LineReader reader(line);
  ConfigEntry entry;
  if (reader.AtEnd()) return entry;
  if (reader.Take('[')) return InvalidArgument("wanted key = value; there are no sections");
  entry.key = reader.TakeWhile(IsKeyByte);
  if (entry.key.empty() || !reader.Take('=')) return InvalidArgument("wanted key = value");
  for (char& byte : entry.key) {
    if (byte == '_') byte = '-';
  }
  StatusOr<std::string> value = reader.TakeValue();
  if (!value.ok()) return Annotate(value.status(), entry.key);
  if (!reader.AtEnd()) return InvalidArgument(entry.key + ": wanted one value, got more");
  entry.value = *std::move(value);
  return entry;
}

}  // namespace

StatusOr<std::vector<ConfigEntry>> ParseConfigText(std::string_view text, const std::string& name) {
  if (text.size() > kLargestConfigFile) {
    return InvalidArgument(name + ":1: wanted at most " + std::to_string(kLargestConfigFile) +
                           " bytes, got " + std::to_string(text.size()));
  }
  std::vector<ConfigEntry> entries;
  std::map<std::string, size_t> first_lines;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::string place = name + ":" + std::to_string(number);
    StatusOr<ConfigEntry> entry = ParseLine(line);
    if (!entry.ok()) return Annotate(entry.status(), place);
    if (entry->key.empty()) continue;
    const auto [first, is_new] = first_lines.emplace(entry->key, number);
    if (!is_new) {
      return InvalidArgument(place + ": " + entry->key +
                             ": wanted each key once, it stands in line " +
                             std::to_string(first->second) + " too");
    }
    entry->line = number;
    entries.push_back(*std::move(entry));
  }
  return entries;
}

StatusOr<std::string> ReadConfigFile(const std::string& path) {
  std::error_code error;
  // Asked before opening: a FIFO or a device would make the read wait or never end.
  if (!std::filesystem::is_regular_file(path, error)) {
    return NotFound(path + ": wanted a readable file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound(path + ": wanted a readable file");
  std::string text(kLargestConfigFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return NotFound(path + ": wanted a readable file");
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

std::string QuoteConfigValue(std::string_view value) {
  std::string quoted = "\"";
  for (const char byte : value) {
    if (byte == '\n') {
      quoted += "\\n";
    } else if (byte == '\t') {
      quoted += "\\t";
    } else {
      if (byte == '"' || byte == '\\') quoted += '\\';
      quoted += byte;
    }
  }
  return quoted + "\"";
}

}  // namespace windrose
