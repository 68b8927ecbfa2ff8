// Where the fields of a frame stand, and how little-endian integers are read and written.
//
// Private to common/wire and its tests. Nothing here checks bounds: callers know the sizes.
// Thread-safe.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace windrose::wire {

static_assert(std::endian::native == std::endian::little,
              "frames are read and written in the machine's own order");

inline constexpr uint32_t kMagic = 0x31465257;  // "WRF1"
inline constexpr uint8_t kCallKind = 1;
inline constexpr uint8_t kReplyKind = 2;
inline constexpr size_t kHeaderBytes = 64;
inline constexpr size_t kSegmentBytes = 12;
inline constexpr size_t kIndexBytes = 4;
inline constexpr size_t kRowAlignment = 64;

// Offsets in the header.
inline constexpr size_t kMagicAt = 0;
inline constexpr size_t kKindAt = 4;
inline constexpr size_t kArithmeticAt = 5;
inline constexpr size_t kSegmentCountAt = 6;
inline constexpr size_t kModelHashAt = 8;
inline constexpr size_t kEpochAt = 16;
inline constexpr size_t kDispatchIdAt = 24;
inline constexpr size_t kAttemptAt = 32;
inline constexpr size_t kLayerAt = 36;
inline constexpr size_t kRowCountAt = 40;
inline constexpr size_t kIndexCountAt = 44;
inline constexpr size_t kHiddenAt = 48;
inline constexpr size_t kTimeAt = 52;
inline constexpr size_t kQueuedRowsAt = 56;
inline constexpr size_t kChecksumAt = 60;

// What one byte says of how a frame's rows are to be computed with.
struct Arithmetic {
  uint8_t row_type;
  uint8_t order;
};
constexpr uint8_t Join(const Arithmetic& parts) {
  return static_cast<uint8_t>(parts.order << 4 | parts.row_type);
}
constexpr Arithmetic Split(uint8_t byte) {
  return {static_cast<uint8_t>(byte & 15), static_cast<uint8_t>(byte >> 4)};
}

template <typename Integer>
Integer Load(std::span<const std::byte> bytes, size_t at) {
  Integer value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

template <typename Integer>
void Store(std::span<std::byte> bytes, size_t at, Integer value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

// `bytes` rounded up to where rows may begin.
constexpr size_t AlignRows(size_t bytes) {
  return (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
}

// The checksum of `frame`, its checksum field taken as zero. `frame` holds a header at least.
uint32_t FrameChecksum(std::span<const std::byte> frame);

}  // namespace windrose::wire
