// GgufCursor: reads the encoding of GGUF front to back and never beyond the end.
//
// Borrows the bytes. Every read says what it is for, so that the error can. Private to the GGUF
// readers. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace windrose {

// The number in up to 8 bytes, the lowest first.
inline uint64_t LittleEndian(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

class GgufCursor {
 public:
  explicit GgufCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t position() const { return position_; }
  uint64_t left() const { return bytes_.size() - position_; }

  StatusOr<std::span<const std::byte>> Take(uint64_t count, const char* what) {
    if (count > left()) {
      return InvalidArgument(std::string(what) + ": wanted " + std::to_string(count) +
                             " bytes, the header has " + std::to_string(left()) + " left at byte " +
                             std::to_string(position_));
    }
    const std::span<const std::byte> taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  StatusOr<uint64_t> Number(size_t bytes, const char* what) {
    ASSIGN_OR_RETURN(const std::span<const std::byte> taken, Take(bytes, what));
    return LittleEndian(taken);
  }

  // A length and that many bytes, at most `max_bytes`; the text is a view into the bytes.
  StatusOr<std::string_view> Text(uint64_t max_bytes, const char* what) {
    ASSIGN_OR_RETURN(const uint64_t length, Number(sizeof(uint64_t), what));
    if (length > max_bytes) {
      return InvalidArgument(std::string(what) + ": wanted at most " + std::to_string(max_bytes) +
                             " bytes, the file says " + std::to_string(length));
    }
    ASSIGN_OR_RETURN(const std::span<const std::byte> taken, Take(length, what));
    return std::string_view(reinterpret_cast<const char*>(taken.data()), taken.size());
  }

 private:
  std::span<const std::byte> bytes_;
  uint64_t position_ = 0;
};

}  // namespace windrose
