#include "coordinator/layers/kv_cache.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace windrose {

size_t KvCache::BlockBytes(const MixtralConfig& config, KvCacheType type) {
  return size_t{config.layers} * 2 * config.kv_heads * HeadBlockBytes(type, config.head_dim);
}

StatusOr<KvCache> KvCache::Create(const MixtralConfig& config, uint32_t block_count,
                                  KvCacheType type) {
  const size_t block_bytes = BlockBytes(config, type);
  size_t bytes = 0;
  if (block_count == 0 || __builtin_mul_overflow(block_bytes, size_t{block_count}, &bytes)) {
    return InvalidArgument("KV cache: wanted at least one block and fewer than 2^64 bytes, got " +
                           std::to_string(block_count) + " blocks");
  }
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return ResourceExhausted("KV cache: wanted " + std::to_string(bytes) +
                             " bytes: " + std::strerror(errno));
  }
  madvise(data, bytes, MADV_DONTDUMP);
  madvise(data, bytes, MADV_HUGEPAGE);
  return KvCache(config, block_count, type, data);
}

KvCache::KvCache(const MixtralConfig& config, uint32_t block_count, KvCacheType type, void* data)
    : type_(type),
      block_count_(block_count),
      layers_(config.layers),
      kv_heads_(config.kv_heads),
      head_bytes_(HeadBlockBytes(type, config.head_dim)),
      data_(static_cast<std::byte*>(data)),
      bytes_(BlockBytes(config, type) * block_count) {}

KvCache::~KvCache() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

KvCache::KvCache(KvCache&& other) noexcept { *this = std::move(other); }

KvCache& KvCache::operator=(KvCache&& other) noexcept {
  std::swap(type_, other.type_);
  std::swap(block_count_, other.block_count_);
  std::swap(layers_, other.layers_);
  std::swap(kv_heads_, other.kv_heads_);
  std::swap(head_bytes_, other.head_bytes_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

std::byte* KvCache::At(LayerIndex layer, BlockId block, size_t part) const {
  DCHECK(layer.value() < layers_ && block.value() < block_count_ && part < 2 * kv_heads_);
  const size_t blocks_before = size_t{layer.value()} * block_count_ + block.value();
  return data_ + (blocks_before * 2 * kv_heads_ + part) * head_bytes_;
}

}  // namespace windrose
