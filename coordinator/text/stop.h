// StopMatcher: finds the first stop string in a text that arrives in pieces.
//
// Owned by the sequence; Engine thread only (or any one thread). The first match is the one that
// ends first; of those ending together, the longest. So the result depends on the text alone, not
// on how it was cut. A suffix that could still become a stop string is held back, hence at most the
// longest stop string's length minus one byte. Cost: one Knuth-Morris-Pratt step per byte and stop
// string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windrose {

class StopMatcher {
 public:
  struct Output {
    std::string text;               // became final; nothing of a stop string
    std::optional<size_t> matched;  // index of the stop string that ended the text
  };

  // Empty strings never match. Without stop strings the text passes through.
  explicit StopMatcher(std::vector<std::string> stop_strings);

  // After a match the text is over: further pushes return nothing.
  Output Push(std::string_view piece);

  // The end without a match: what was held back.
  std::string Flush();

  const std::string& stop_string(size_t index) const { return patterns_[index].text; }

 private:
  struct Pattern {
    std::string text;
    std::vector<uint32_t> border;  // [text.size()] longest proper border of text[0..i]
    size_t matched = 0;            // longest prefix of `text` that the input ends with
  };

  std::optional<size_t> Advance(char byte);
  size_t HeldBytes() const;

  std::vector<Pattern> patterns_;
  std::string held_;
  bool over_ = false;
};

}  // namespace windrose
