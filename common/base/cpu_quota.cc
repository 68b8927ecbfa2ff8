#include "common/base/cpu_quota.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <system_error>

namespace windrose {
namespace {

constexpr size_t kMaxBytes = 65536;  // of a file; groups' own have a line each
constexpr std::string_view kSpace = " \n";

// Where each version is mounted by convention; the second of version 2 beside version 1.
constexpr std::string_view kVersion2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
constexpr std::string_view kVersion1[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"};

// The number that `text` goes on with, which is taken from it; 0 when there is none.
uint64_t TakeNumber(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return 0;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

// "/a/b" below a mount, "/a", and the mount itself.
void AddGroups(std::string_view mount, std::string_view path,
               std::vector<std::string>& directories) {
  while (path.size() > 1 && path.front() == '/') {
    directories.push_back(std::string(mount) + std::string(path));
    path = path.substr(0, path.rfind('/'));
  }
  directories.emplace_back(mount);
}

// "ID:CONTROLLERS:PATH", where version 2 names no controllers.
void AddGroupsOfLine(std::string_view line, std::vector<std::string>& directories) {
  const size_t begin = line.find(':') + 1;
  const size_t end = line.find(':', begin);
  if (end == std::string_view::npos) return;
  const std::string controllers(line.substr(begin, end - begin));
  const bool is_version_1 = ("," + controllers + ",").find(",cpu,") != std::string::npos;
  if (!controllers.empty() && !is_version_1) return;
  for (const std::string_view mount : is_version_1 ? kVersion1 : kVersion2) {
    AddGroups(mount, line.substr(end + 1), directories);
  }
}

// Empty when it cannot be read.
std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace

std::optional<uint64_t> ParseCpuQuota(std::string_view text) {
  const uint64_t quota = TakeNumber(text);
  const uint64_t period = TakeNumber(text);
  if (quota == 0 || period == 0) return std::nullopt;
  if (text.find_first_not_of(kSpace) != std::string_view::npos) return std::nullopt;
  return (quota - 1) / period + 1;
}

std::vector<std::string> CpuQuotaDirectories(std::string_view self_cgroup) {
  std::vector<std::string> directories;
  while (!self_cgroup.empty()) {
    const size_t end = std::min(self_cgroup.find('\n'), self_cgroup.size());
    AddGroupsOfLine(self_cgroup.substr(0, end), directories);
    self_cgroup.remove_prefix(std::min(end + 1, self_cgroup.size()));
  }
  return directories;
}

std::optional<uint64_t> ReadCpuQuota(const std::string& root) {
  std::optional<uint64_t> smallest;
  for (const std::string& directory : CpuQuotaDirectories(ReadText(root + "/proc/self/cgroup"))) {
    const std::string group = root + directory;
    // Each version has its own files, so at most one of the two is there.
    std::optional<uint64_t> quota = ParseCpuQuota(ReadText(group + "/cpu.max"));
    if (!quota) {
      quota = ParseCpuQuota(ReadText(group + "/cpu.cfs_quota_us") + " " +
                            ReadText(group + "/cpu.cfs_period_us"));
    }
    if (quota) smallest = std::min(*quota, smallest.value_or(*quota));
  }
  return smallest;
}

}  // namespace windrose
