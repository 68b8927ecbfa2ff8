#include "coordinator/text/stop.h"

#include <algorithm>
#include <utility>

namespace windrose {
namespace {

// Of the prefix of `text` that has `matched` bytes and is followed by `byte`: the longest prefix of
// `text` that this input ends with. `border` is known below `matched`.
size_t Extend(const std::string& text, const std::vector<uint32_t>& border, size_t matched,
              char byte) {
  while (matched > 0 && text[matched] != byte) matched = border[matched - 1];
  return text[matched] == byte ? matched + 1 : 0;
}

std::vector<uint32_t> Borders(const std::string& text) {
  std::vector<uint32_t> border(text.size(), 0);
  for (size_t i = 1; i < text.size(); ++i) {
    border[i] = static_cast<uint32_t>(Extend(text, border, border[i - 1], text[i]));
  }
  return border;
}

}  // namespace

StopMatcher::StopMatcher(std::vector<std::string> stop_strings) {
  patterns_.reserve(stop_strings.size());
  for (std::string& text : stop_strings) {
    Pattern pattern;
    pattern.border = Borders(text);
    pattern.text = std::move(text);
    patterns_.push_back(std::move(pattern));
  }
}

StopMatcher::Output StopMatcher::Push(std::string_view piece) {
  Output output;
  if (over_) return output;
  for (const char byte : piece) {
    held_.push_back(byte);
    output.matched = Advance(byte);
    if (!output.matched) continue;
    held_.resize(held_.size() - patterns_[*output.matched].text.size());
    output.text = std::exchange(held_, {});
    over_ = true;
    return output;
  }
  const size_t final_bytes = held_.size() - HeldBytes();
  output.text = held_.substr(0, final_bytes);
  held_.erase(0, final_bytes);
  return output;
}

std::string StopMatcher::Flush() {
  over_ = true;
  return std::exchange(held_, {});
}

// Feeds one byte to all patterns; the longest of those now complete, if any.
std::optional<size_t> StopMatcher::Advance(char byte) {
  std::optional<size_t> longest;
  for (size_t i = 0; i < patterns_.size(); ++i) {
    Pattern& pattern = patterns_[i];
    if (pattern.text.empty()) continue;
    pattern.matched = Extend(pattern.text, pattern.border, pattern.matched, byte);
    if (pattern.matched < pattern.text.size()) continue;
    if (!longest || pattern.text.size() > patterns_[*longest].text.size()) longest = i;
  }
  return longest;
}

size_t StopMatcher::HeldBytes() const {
  size_t bytes = 0;
  for (const Pattern& pattern : patterns_) bytes = std::max(bytes, pattern.matched);
  return bytes;
}

}  // namespace windrose
