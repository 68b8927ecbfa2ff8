#include "common/base/hex.h"

#include <string_view>

namespace windrose {

std::string HexDigits(uint64_t value, size_t digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(digits, '0');
  for (size_t place = digits; place-- > 0; value >>= 4) hex[place] = kDigits[value & 15];
  return hex;
}

}  // namespace windrose
