// Durations and sizes as people write them. Pure; thread-safe.
//
//   duration = digits [ "." digits ] ( "us" | "ms" | "s" | "m" | "h" )
//   bytes    = digits ( "B" | "KiB" | "MiB" | "GiB" | "TiB" )
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose {

// The unit is mandatory, even for 0. Rounded to microseconds, as FormatDuration writes them.
StatusOr<Duration> ParseDuration(std::string_view text);
// The shortest text that parses back to the same value, in microseconds or coarser.
std::string FormatDuration(Duration duration);

StatusOr<uint64_t> ParseBytes(std::string_view text);
std::string FormatBytes(uint64_t bytes);

}  // namespace windrose
