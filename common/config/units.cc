#include "common/config/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace windrose {
namespace {

constexpr std::array<std::pair<std::string_view, int64_t>, 5> kTimeUnits = {{
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

constexpr std::array<std::pair<std::string_view, uint64_t>, 5> kSizeUnits = {{
    {"B", 1},
    {"KiB", uint64_t{1} << 10},
    {"MiB", uint64_t{1} << 20},
    {"GiB", uint64_t{1} << 30},
    {"TiB", uint64_t{1} << 40},
}};

// Where the number ends and the unit begins.
size_t NumberLength(std::string_view text, bool allow_point) {
  size_t length = 0;
  while (length < text.size()) {
    const char byte = text[length];
    if (!(byte >= '0' && byte <= '9') && !(allow_point && byte == '.')) break;
    ++length;
  }
  return length;
}

}  // namespace

StatusOr<Duration> ParseDuration(std::string_view text) {
  const Status bad =
      InvalidArgument("wanted a time with a unit, as 250ms or 10s (us, ms, s, m, h)");
  const size_t length = NumberLength(text, true);
  if (length == 0 || text[0] == '.' || text[length - 1] == '.') return bad;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + length, number);
  if (error != std::errc() || end != text.data() + length) return bad;
  for (const auto& [unit, nanoseconds] : kTimeUnits) {
    if (text.substr(length) != unit) continue;
    const double microseconds = number * static_cast<double>(nanoseconds / 1000);
    if (microseconds > 1e15) return bad;
    return Microseconds(std::llround(microseconds));
  }
  return bad;
}

std::string FormatDuration(Duration duration) {
  const int64_t count = duration.count();
  for (size_t i = kTimeUnits.size(); i-- > 0;) {
    const auto& [unit, nanoseconds] = kTimeUnits[i];
    if (count != 0 && count % nanoseconds == 0) {
      return std::to_string(count / nanoseconds) + std::string(unit);
    }
  }
  return std::to_string(count / 1000) + "us";
}

StatusOr<uint64_t> ParseBytes(std::string_view text) {
  const Status bad = InvalidArgument("wanted a size with a unit, as 64MiB (B, KiB, MiB, GiB, TiB)");
  const size_t length = NumberLength(text, false);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + length, number);
  if (error != std::errc() || end != text.data() + length) return bad;
  for (const auto& [unit, bytes] : kSizeUnits) {
    if (text.substr(length) != unit) continue;
    if (number > std::numeric_limits<uint64_t>::max() / bytes) return bad;
    return number * bytes;
  }
  return bad;
}

std::string FormatBytes(uint64_t bytes) {
  for (size_t i = kSizeUnits.size(); i-- > 0;) {
    const auto& [unit, size] = kSizeUnits[i];
    if (bytes != 0 && bytes % size == 0) return std::to_string(bytes / size) + std::string(unit);
  }
  return "0B";
}

}  // namespace windrose
