// How a file is recognised again without being read. Thread-safe (pure functions of the disk).
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"

namespace windrose::cli {

// "NAME BYTES NANOSECONDS" of a file: its size, and when it was last changed since the Unix epoch.
StatusOr<std::string> FileIdentity(const std::string& path);

// FileIdentity of all that a model directory is made of, by name.
StatusOr<std::vector<std::string>> DirectoryIdentity(const std::string& directory);

}  // namespace windrose::cli
