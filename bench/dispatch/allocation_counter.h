// What this program takes from the heap. Linking it in replaces malloc and its relatives by ones
// that count, libraries included. Thread-safe.
#pragma once

#include <cstdint>

namespace windrose {

struct Allocations {
  uint64_t count = 0;
  uint64_t bytes = 0;
};

// By all threads since the start.
Allocations AllocationsSoFar();

}  // namespace windrose
