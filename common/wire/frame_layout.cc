#include "common/wire/frame_layout.h"

// For the state on the stack: hashing allocates nothing.
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

namespace windrose::wire {

uint32_t FrameChecksum(std::span<const std::byte> frame) {
  constexpr uint32_t kZero = 0;
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, frame.data(), kChecksumAt);
  XXH3_64bits_update(&state, &kZero, sizeof(kZero));
  XXH3_64bits_update(&state, frame.data() + kHeaderBytes, frame.size() - kHeaderBytes);
  return static_cast<uint32_t>(XXH3_64bits_digest(&state));
}

}  // namespace windrose::wire
