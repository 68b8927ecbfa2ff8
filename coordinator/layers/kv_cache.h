// KvCache: keys and values of all positions of all sequences, in blocks of 16 positions.
//
//   [layer][block][key | value][kv_head][16][head_dim] f32
//
// Which block belongs to whom is the scheduler's business; this is the memory only. Address space
// is taken at once, pages when first written. Left out of core dumps: it is what people asked.
// Engine thread only; the compute pool reads and writes it within a layer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/kernels/attention.h"
#include "common/model/config.h"

namespace windrose {

class KvCache {
 public:
  static constexpr uint32_t kBlockSize = kAttentionBlock;  // positions

  // RESOURCE_EXHAUSTED when the system does not give the memory.
  static StatusOr<KvCache> Create(const MixtralConfig& config, uint32_t block_count);
  ~KvCache();
  KvCache(KvCache&& other) noexcept;
  KvCache& operator=(KvCache&& other) noexcept;

  // Bytes one block takes over all layers.
  static size_t BlockBytes(const MixtralConfig& config);

  uint32_t block_count() const { return block_count_; }

  // [16, head_dim] of one key/value head in one block.
  float* Keys(LayerIndex layer, BlockId block, size_t kv_head) { return At(layer, block, kv_head); }
  float* Values(LayerIndex layer, BlockId block, size_t kv_head) {
    return At(layer, block, kv_heads_ + kv_head);
  }

 private:
  KvCache(const MixtralConfig& config, uint32_t block_count, float* data, size_t bytes);
  float* At(LayerIndex layer, BlockId block, size_t part) const;

  uint32_t block_count_ = 0;
  size_t layers_ = 0;
  size_t kv_heads_ = 0;
  size_t head_floats_ = 0;  // kBlockSize * head_dim
  float* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace windrose
