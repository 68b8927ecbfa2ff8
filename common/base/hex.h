// Hexadecimal digits. Pure function; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace windrose {

// The lowest `digits` (1 to 16) digits of `value`, lower-case, high first.
std::string HexDigits(uint64_t value, size_t digits);

}  // namespace windrose
