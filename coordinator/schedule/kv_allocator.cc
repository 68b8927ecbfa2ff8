#include "coordinator/schedule/kv_allocator.h"

#include "common/base/check.h"

namespace windrose {

KvAllocator::KvAllocator(uint32_t block_count) : block_count_(block_count) {
  free_.reserve(block_count);
  for (uint32_t index = block_count; index > 0; --index) free_.emplace_back(index - 1);
}

bool KvAllocator::Extend(uint32_t wanted, std::vector<BlockId>& blocks) {
  if (wanted <= blocks.size()) return true;
  if (wanted - blocks.size() > free_.size()) return false;
  while (blocks.size() < wanted) {
    blocks.push_back(free_.back());
    free_.pop_back();
  }
  return true;
}

void KvAllocator::Release(std::vector<BlockId>& blocks) {
  free_.insert(free_.end(), blocks.rbegin(), blocks.rend());
  blocks.clear();
  CHECK(free_.size() <= block_count_);
}

}  // namespace windrose
