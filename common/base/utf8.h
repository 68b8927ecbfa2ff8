// UTF-8, byte by byte: holds an incomplete character back, and replaces what can never become one.
//
// Invalid input gives one U+FFFD per maximal subpart, as the Unicode Standard recommends
// (section 3.9, "Substitution of Maximal Subparts"), so the result depends on the bytes alone, not
// on how they were cut. Values; Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace windrose {

class Utf8Stream {
 public:
  // Appends to `text` the characters that `bytes` complete.
  void Push(std::string_view bytes, std::string* text);
  // Appends the replacement of an incomplete character, if one is held, and starts afresh.
  void Flush(std::string* text);
  // Whether the beginning of a character is held back.
  bool holding() const { return !held_.empty(); }

 private:
  void PushByte(uint8_t byte, std::string* text);
  void StartCharacter(uint8_t lead, std::string* text);
  void Replace(std::string* text);

  std::string held_;       // at most 3 bytes
  int missing_ = 0;        // continuation bytes still to come
  uint8_t lowest_ = 0x80;  // range of the next one
  uint8_t highest_ = 0xBF;
};

bool IsValidUtf8(std::string_view bytes);

// The beginning of `text`, which is UTF-8, in at most `limit` bytes: no character is cut.
std::string Utf8Prefix(std::string_view text, size_t limit);

// Bytes of the whole character that `text` begins with, 1 to 4; 0 when it begins with none.
size_t Utf8CharacterBytes(std::string_view text);

}  // namespace windrose
