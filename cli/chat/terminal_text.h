// What may be shown on a terminal of what a stranger sent.
#pragma once

#include <string>
#include <string_view>

namespace windrose::cli {

// `text`, UTF-8, with its control characters as '?', but for those in `kept`: a terminal takes them
// for commands.
std::string WithoutControls(std::string_view text, std::string_view kept = "");

}  // namespace windrose::cli
