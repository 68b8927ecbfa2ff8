// The text of a configuration file, and its reading into keys with places. Pure; thread-safe.
//
//   file  = *( [ key "=" value ] [ "#" comment ] LF )
//   key   = 1*( letter | digit | '-' | '_' )
//   value = bare word | string | "[" [ string-or-word *( "," string-or-word ) ] "]"
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace windrose {

constexpr size_t kLargestConfigFile = 1024 * 1024;

struct ConfigEntry {
  std::string key;    // with '-', never '_'
  std::string value;  // a list joined with commas
  size_t line = 0;    // from 1
};

// Refuses with "name:line: …": duplicate keys, sections, control bytes, a value without key, an
// unfinished string or list, an empty item of a list, a file above kLargestConfigFile.
StatusOr<std::vector<ConfigEntry>> ParseConfigText(std::string_view text, const std::string& name);

// The file's text; refuses what is not a regular file and what cannot be read. Of one that is too
// large it reads enough for ParseConfigText to refuse it.
StatusOr<std::string> ReadConfigFile(const std::string& path);

// `value` as a quoted string of the file format.
std::string QuoteConfigValue(std::string_view value);

}  // namespace windrose
