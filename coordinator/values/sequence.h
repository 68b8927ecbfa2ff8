// Sequence: one request's token stream inside the engine. Owned by the engine, lent to the
// scheduler; engine thread only.
//
// Invariants: `tokens` is the prompt followed by what was generated; the KV cache holds positions
// [0, computed); `blocks` covers at least [0, computed); computed < tokens.size() while it runs.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/ids.h"

namespace windrose {

inline constexpr uint32_t kKvBlockSize = 16;  // positions in a block of the KV cache

inline uint32_t BlocksFor(uint32_t position_count) {
  return (position_count + kKvBlockSize - 1) / kKvBlockSize;
}

struct Sequence {
  SequenceId id;  // rises with arrival: the lower, the earlier
  // Its answer began on another coordinator, and is being read: it has waited for its turn already.
  bool under_way = false;
  std::vector<TokenId> tokens;
  uint32_t computed = 0;
  // Logits of the prompt are wanted from this position on (echo with logprobs); none when it is not
  // below the prompt's length. Moves on as prompt logits are delivered.
  uint32_t echo_from = UINT32_MAX;
  uint32_t prompt_length = 0;
  std::vector<BlockId> blocks;

  uint32_t pending() const { return static_cast<uint32_t>(tokens.size()) - computed; }
};

}  // namespace windrose
