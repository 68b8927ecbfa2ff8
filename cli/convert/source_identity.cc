#include "cli/convert/source_identity.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "common/model/checkpoint_layout.h"

namespace windrose::cli {

StatusOr<std::string> FileIdentity(const std::string& path) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return Unavailable("cannot read " + path + ": " + error.message());
  const auto changed = std::filesystem::last_write_time(path, error);
  if (error) return Unavailable("cannot read " + path + ": " + error.message());
  const auto since_epoch = std::chrono::file_clock::to_sys(changed).time_since_epoch();
  return std::filesystem::path(path).filename().string() + " " + std::to_string(bytes) + " " +
         std::to_string(std::chrono::nanoseconds(since_epoch).count());
}

StatusOr<std::vector<std::string>> DirectoryIdentity(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> identity;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".safetensors") && name != kConfigFile && name != kTokenizerFile) continue;
    ASSIGN_OR_RETURN(identity.emplace_back(), FileIdentity(entry.path().string()));
  }
  if (error) return Unavailable("cannot read " + directory + ": " + error.message());
  std::sort(identity.begin(), identity.end());
  return identity;
}

}  // namespace windrose::cli
