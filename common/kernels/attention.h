// Building blocks of paged attention: one softmax, taken block by block of cached keys and values.
//
// A row's attention is: ResetAttention, AttendBlock for each of its blocks from the first to the
// last, FinishAttention. The result depends on the row's query and its blocks only, never on which
// rows or heads are computed beside it. All arithmetic is in f32, whatever the cache holds: a score
// is summed in the order of Dot (rows.h), the weighted values by ascending position. A score that
// is NaN makes all of its head's result NaN. Thread-safe (functions on views). No allocation.
#pragma once

#include <cstddef>

#include "common/kernels/attention_cache.h"

namespace windrose {

// The query heads that share one key/value head.
struct AttentionGroup {
  size_t head_count = 0;
  size_t head_dim = 0;
  float scale = 1.0F;  // of the scores, 1 / sqrt(head_dim)
};

// The running softmax of one row and one group.
struct AttentionState {
  float* largest = nullptr;   // [head_count] largest score so far
  float* sum = nullptr;       // [head_count] of exp(score - largest)
  float* weighted = nullptr;  // [head_count, head_dim] of exp(score - largest) * value
};

// The cached positions of one block that a row may see: [0, count), 1 <= count <= kAttentionBlock.
struct AttentionKeys {
  KvCacheType type = KvCacheType::kF32;
  const std::byte* keys = nullptr;    // HeadBlockBytes, as WriteCached left them
  const std::byte* values = nullptr;  // likewise
  size_t count = 0;
  // What will be taken in next, to be fetched meanwhile; null when nothing is.
  const std::byte* next_keys = nullptr;
  const std::byte* next_values = nullptr;
};

void ResetAttention(const AttentionGroup& group, const AttentionState& state);

// Takes in one block; what lies beyond its count is not read. queries: [head_count, head_dim].
void AttendBlock(const AttentionGroup& group, const float* queries, const AttentionKeys& block,
                 const AttentionState& state);

// weighted /= sum: the attention's output. At least one block was taken in.
void FinishAttention(const AttentionGroup& group, const AttentionState& state);

}  // namespace windrose
