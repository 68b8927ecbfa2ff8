#include "common/base/utf8.h"

namespace windrose {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// The well-formed sequences of the Unicode Standard, table 3-7: how many bytes follow a lead byte,
// and the range of the first of them, which excludes overlong forms, surrogates and what lies
// beyond U+10FFFF.
struct LeadByte {
  int following;  // -1: not a lead byte
  uint8_t lowest;
  uint8_t highest;
};

LeadByte DescribeLead(uint8_t lead) {
  if (lead < 0x80) return {0, 0, 0};
  if (lead < 0xC2 || lead > 0xF4) return {-1, 0, 0};
  const uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return {lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3, lowest, highest};
}

}  // namespace

void Utf8Stream::Push(std::string_view bytes, std::string* text) {
  for (const char byte : bytes) PushByte(static_cast<uint8_t>(byte), text);
}

void Utf8Stream::Flush(std::string* text) {
  if (holding()) Replace(text);
}

void Utf8Stream::PushByte(uint8_t byte, std::string* text) {
  if (missing_ > 0 && (byte < lowest_ || byte > highest_)) Replace(text);
  if (missing_ == 0) {
    StartCharacter(byte, text);
    return;
  }
  held_.push_back(static_cast<char>(byte));
  lowest_ = 0x80;
  highest_ = 0xBF;
  if (--missing_ > 0) return;
  *text += held_;
  held_.clear();
}

void Utf8Stream::StartCharacter(uint8_t lead, std::string* text) {
  const LeadByte description = DescribeLead(lead);
  if (description.following < 0) return Replace(text);
  if (description.following == 0) return text->push_back(static_cast<char>(lead));
  held_.assign(1, static_cast<char>(lead));
  missing_ = description.following;
  lowest_ = description.lowest;
  highest_ = description.highest;
}

void Utf8Stream::Replace(std::string* text) {
  *text += kReplacementCharacter;
  held_.clear();
  missing_ = 0;
}

size_t Utf8CharacterBytes(std::string_view text) {
  if (text.empty()) return 0;
  LeadByte lead = DescribeLead(static_cast<uint8_t>(text.front()));
  const size_t bytes = static_cast<size_t>(lead.following) + 1;
  if (text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < lead.lowest || byte > lead.highest) return 0;
    lead.lowest = 0x80;
    lead.highest = 0xBF;
  }
  return bytes;
}

std::string Utf8Prefix(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<uint8_t>(text[limit]) & 0xC0) == 0x80) --limit;
  return std::string(text.substr(0, limit));
}

bool IsValidUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t character = Utf8CharacterBytes(bytes);
    if (character == 0) return false;
    bytes.remove_prefix(character);
  }
  return true;
}

}  // namespace windrose
