// The character classes of RFC 9110 and 9112, without locale. Pure.
#pragma once

#include <string>
#include <string_view>

namespace windrose {

inline bool IsHttpDigit(char byte) { return byte >= '0' && byte <= '9'; }

inline bool IsHttpAlphanumeric(char byte) {
  return IsHttpDigit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

inline bool IsHttpSpace(char byte) { return byte == ' ' || byte == '\t'; }

// Below space, or DEL. Bytes from 0x80 are not.
inline bool IsHttpControl(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value < 0x20 || value == 0x7f;
}

inline bool IsHttpTokenByte(char byte) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return IsHttpAlphanumeric(byte) || (byte != '\0' && kMarks.find(byte) != std::string_view::npos);
}

inline bool IsHttpToken(std::string_view text) {
  for (const char byte : text) {
    if (!IsHttpTokenByte(byte)) return false;
  }
  return !text.empty();
}

// 0-15, or -1.
inline int HexValue(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

inline char ToLowerHttp(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

inline std::string ToLowerHttp(std::string_view text) {
  std::string lower(text);
  for (char& byte : lower) byte = ToLowerHttp(byte);
  return lower;
}

inline bool EqualsIgnoreCase(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (ToLowerHttp(left[i]) != ToLowerHttp(right[i])) return false;
  }
  return true;
}

inline std::string_view TrimHttpSpace(std::string_view text) {
  while (!text.empty() && IsHttpSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsHttpSpace(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace windrose
