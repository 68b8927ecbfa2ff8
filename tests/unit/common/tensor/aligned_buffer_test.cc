#include "common/tensor/aligned_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace windrose {
namespace {

TEST(AlignedBuffer, StartsOnACacheLineAndZeroed) {
  for (const size_t size : {1U, 3U, 1000U}) {
    const AlignedBuffer<float> buffer(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0U);
    EXPECT_EQ(std::count(buffer.span().begin(), buffer.span().end(), 0.0F),
              static_cast<ptrdiff_t>(size));
  }
}

TEST(AlignedBuffer, MovesItsStorage) {
  AlignedBuffer<int> first(4);
  first[2] = 7;
  const AlignedBuffer<int> second(std::move(first));
  EXPECT_EQ(second.size(), 4U);
  EXPECT_EQ(second[2], 7);
}

TEST(AlignedBuffer, MayBeEmpty) {
  const AlignedBuffer<float> buffer(0);
  EXPECT_TRUE(buffer.span().empty());
}

}  // namespace
}  // namespace windrose
