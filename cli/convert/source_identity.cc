#include "cli/convert/source_identity.h"

#include <chrono>
#include <filesystem>
#include <system_error>

#include "common/base/utf8.h"
#include "common/model/strict_json.h"

namespace windrose::cli {

StatusOr<std::string> FileIdentity(const std::string& path) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return Unavailable("cannot read " + path + ": " + error.message());
  const auto changed = std::filesystem::last_write_time(path, error);
  if (error) return Unavailable("cannot read " + path + ": " + error.message());
  const auto since_epoch = std::chrono::file_clock::to_sys(changed).time_since_epoch();
  const std::string name = std::filesystem::path(path).filename().string();
  // The manifest is JSON, which has UTF-8 only.
  return (IsValidUtf8(name) ? name : Quoted(name)) + " " + std::to_string(bytes) + " " +
         std::to_string(std::chrono::nanoseconds(since_epoch).count());
}

StatusOr<std::vector<std::string>> FilesIdentity(const std::string& directory,
                                                 const std::set<std::string>& names) {
  std::vector<std::string> identity;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(identity.emplace_back(), FileIdentity(directory + "/" + name));
  }
  return identity;
}

}  // namespace windrose::cli
