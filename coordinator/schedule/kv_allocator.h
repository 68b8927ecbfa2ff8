// KvAllocator: which blocks of the KV cache are free. Owned by the scheduler; engine thread only.
//
// Invariant: every block is either free or handed out, never both. All or nothing: no partial
// grant.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/ids.h"

namespace windrose {

class KvAllocator {
 public:
  explicit KvAllocator(uint32_t block_count);

  uint32_t block_count() const { return block_count_; }
  uint32_t free_count() const { return static_cast<uint32_t>(free_.size()); }
  uint32_t used_count() const { return block_count_ - free_count(); }

  // Extends `blocks` to `wanted` blocks. False, and nothing changes, when too few are free.
  [[nodiscard]] bool Extend(uint32_t wanted, std::vector<BlockId>& blocks);

  // Takes all of `blocks` back and empties it.
  void Release(std::vector<BlockId>& blocks);

 private:
  const uint32_t block_count_;
  std::vector<BlockId> free_;  // the last one is handed out next
};

}  // namespace windrose
