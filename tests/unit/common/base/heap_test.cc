#include "common/base/heap.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstddef>
#include <memory>

namespace windrose {
namespace {

size_t MappedBlockBytes() { return mallinfo2().hblkhd; }

// Sanitizers bring a heap of their own, of which nothing is known.
bool HeapTellsWhatItHolds() {
  const auto block = std::make_unique<int>(1);
  return *block == 1 && mallinfo2().uordblks != 0;
}

// How many bytes the system gives for a block of so many, as long as it lives.
size_t MappedFor(size_t bytes) {
  const size_t before = MappedBlockBytes();
  const auto block = std::make_unique_for_overwrite<std::byte[]>(bytes);
  // Otherwise the compiler sees that nobody wants it.
  *static_cast<volatile std::byte*>(block.get()) = std::byte{1};
  return MappedBlockBytes() - before;
}

TEST(Heap, ReturnsLargeBlocksHoweverOftenOneWasFreed) {
  if (!HeapTellsWhatItHolds()) return;
  ReturnLargeBlocks();
  const size_t before = MappedBlockBytes();
  // The first that is freed would teach the heap to keep those that follow.
  for (int round = 0; round < 3; ++round) {
    EXPECT_GE(MappedFor(8 * kLargeBlockBytes), 8 * kLargeBlockBytes);
    EXPECT_EQ(MappedBlockBytes(), before);
  }
  EXPECT_GE(MappedFor(kLargeBlockBytes), kLargeBlockBytes);
}

TEST(Heap, KeepsSmallBlocks) {
  if (!HeapTellsWhatItHolds()) return;
  ReturnLargeBlocks();
  EXPECT_EQ(MappedFor(kLargeBlockBytes / 2), 0U);
}

}  // namespace
}  // namespace windrose
