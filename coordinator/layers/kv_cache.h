// KvCache: keys and values of all positions of all sequences, in blocks of 16 positions.
//
//   [layer][block][key | value][kv_head] of what common/kernels/attention_cache.h describes
//
// Which block belongs to whom is the scheduler's business; this is the memory only. Address space
// is taken at once, pages when first written. Left out of core dumps: it is what people asked.
// Engine thread only; the compute pool reads and writes it within a layer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/kernels/attention_cache.h"
#include "common/model/config.h"

namespace windrose {

class KvCache {
 public:
  static constexpr uint32_t kBlockSize = kAttentionBlock;  // positions

  // RESOURCE_EXHAUSTED when the system does not give the memory.
  static StatusOr<KvCache> Create(const MixtralConfig& config, uint32_t block_count,
                                  KvCacheType type = KvCacheType::kF32);
  ~KvCache();
  KvCache(KvCache&& other) noexcept;
  KvCache& operator=(KvCache&& other) noexcept;

  // Bytes one block takes over all layers.
  static size_t BlockBytes(const MixtralConfig& config, KvCacheType type = KvCacheType::kF32);

  KvCacheType type() const { return type_; }
  uint32_t block_count() const { return block_count_; }

  // HeadBlockBytes of one key/value head in one block.
  std::byte* Keys(LayerIndex layer, BlockId block, size_t kv_head) {
    return At(layer, block, kv_head);
  }
  std::byte* Values(LayerIndex layer, BlockId block, size_t kv_head) {
    return At(layer, block, kv_heads_ + kv_head);
  }

 private:
  KvCache(const MixtralConfig& config, uint32_t block_count, KvCacheType type, void* data);
  std::byte* At(LayerIndex layer, BlockId block, size_t part) const;

  KvCacheType type_ = KvCacheType::kF32;
  uint32_t block_count_ = 0;
  size_t layers_ = 0;
  size_t kv_heads_ = 0;
  size_t head_bytes_ = 0;  // of one head's keys, or values, in one block
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace windrose
