#include "common/model/large_pages.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace windrose {
namespace {

// The first address of a line that begins a mapping: "7f0c4a600000-7f0c610c1000 r--s ...".
std::optional<uintptr_t> MappingOf(std::string_view line) {
  uintptr_t begin = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), begin, 16);
  const bool is_range = error == std::errc() && end != line.data() + line.size() && *end == '-';
  return is_range ? std::optional(begin) : std::nullopt;
}

// The bytes of a line as "FilePmdMapped:   370688 kB"; 0 of any other.
uint64_t LargePageBytesOf(std::string_view line) {
  if (!line.starts_with("FilePmdMapped:") && !line.starts_with("ShmemPmdMapped:")) return 0;
  const size_t digits = std::min(line.find_first_of("0123456789"), line.size());
  uint64_t kibibytes = 0;
  std::from_chars(line.data() + digits, line.data() + line.size(), kibibytes);
  return kibibytes * 1024;
}

}  // namespace

uint64_t BytesInLargePages(std::istream& smaps, const std::vector<uintptr_t>& begins) {
  uint64_t bytes = 0;
  bool wanted = false;
  for (std::string line; std::getline(smaps, line);) {
    if (const std::optional<uintptr_t> begin = MappingOf(line)) {
      wanted = std::find(begins.begin(), begins.end(), *begin) != begins.end();
    } else if (wanted) {
      bytes += LargePageBytesOf(line);
    }
  }
  return bytes;
}

uint64_t BytesInLargePages(const std::vector<std::span<const std::byte>>& mappings) {
  std::vector<uintptr_t> begins;
  for (const auto& mapping : mappings) {
    begins.push_back(reinterpret_cast<uintptr_t>(mapping.data()));
  }
  std::ifstream smaps("/proc/self/smaps");
  return BytesInLargePages(smaps, begins);
}

}  // namespace windrose
