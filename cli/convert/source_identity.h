// How a file is recognised again without being read. Thread-safe (pure functions of the disk).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace windrose::cli {

// "NAME BYTES NANOSECONDS" of a file: its size, and when it was last changed since the Unix epoch.
StatusOr<std::string> FileIdentity(const std::string& path);

// FileIdentity of each of `names` in `directory`, in their order.
StatusOr<std::vector<std::string>> FilesIdentity(const std::string& directory,
                                                 const std::set<std::string>& names);

}  // namespace windrose::cli
