#include "cli/chat/terminal_text.h"

namespace windrose::cli {
namespace {

// Bytes of the control character that `text` begins with, 0 when it begins with another: U+0000 to
// U+001F, U+007F, and in two bytes U+0080 to U+009F.
size_t ControlBytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7F) return 1;
  if (first != 0xC2 || text.size() < 2) return 0;
  return static_cast<unsigned char>(text[1]) < 0xA0 ? 2 : 0;
}

}  // namespace

std::string WithoutControls(std::string_view text, std::string_view kept) {
  std::string shown;
  while (!text.empty()) {
    const size_t bytes = ControlBytes(text);
    const bool is_shown = bytes == 0 || kept.find(text[0]) != std::string_view::npos;
    shown += is_shown ? text[0] : '?';
    text.remove_prefix(is_shown ? 1 : bytes);
  }
  return shown;
}

}  // namespace windrose::cli
