// Seeded numbers and a loop over instruction sets, for the kernel tests. Test code only.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/kernels/instruction_set.h"
#include "common/tensor/convert.h"
#include "common/tensor/view.h"

namespace windrose {

// Uniform in [-1, 1), a pure function of (seed, index).
inline std::vector<float> RandomValues(size_t count, uint64_t seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(2.0 * UniformAt(seed, i) - 1.0);
  }
  return values;
}

// A weight matrix that begins at an odd address, as tensors of a file may.
struct RandomWeight {
  RandomWeight(size_t rows, size_t cols, DType dtype, uint64_t seed)
      : bytes(rows * cols * SizeOf(dtype) + 1), view{dtype, bytes.data() + 1, rows, cols} {
    WriteWeights(RandomValues(rows * cols, seed), dtype, bytes.data() + 1);
  }
  RandomWeight(const RandomWeight&) = delete;
  RandomWeight& operator=(const RandomWeight&) = delete;

  std::vector<float> Row(size_t row) const {
    std::vector<float> values(view.cols);
    ReadWeightRow(view, row, values);
    return values;
  }

  std::vector<std::byte> bytes;
  WeightView view;
};

// Runs `body` once with each instruction set this processor has.
inline void OnEachInstructionSet(const std::function<void(const std::string&)>& body) {
  for (const std::string& name : SupportedInstructionSets()) {
    ASSERT_TRUE(UseInstructionSet(name).ok());
    ASSERT_EQ(InstructionSet(), name);
    SCOPED_TRACE(name);
    body(name);
  }
  ASSERT_TRUE(UseInstructionSet("best").ok());
}

// The order that every reduction promises, one number at a time: 16 lanes, then a tree.
inline float DotInPromisedOrder(const std::vector<float>& a, const std::vector<float>& b,
                                bool fused) {
  std::vector<float> lane(16, 0.0F);
  const size_t padded = (a.size() + 15) / 16 * 16;
  for (size_t k = 0; k < padded; ++k) {
    const float x = k < a.size() ? a[k] : 0.0F;
    const float y = k < b.size() ? b[k] : 0.0F;
    lane[k % 16] = fused ? std::fma(x, y, lane[k % 16]) : x * y + lane[k % 16];
  }
  for (size_t width = 8; width >= 1; width /= 2) {
    for (size_t i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

// The portable fallback has no fused multiply-add; all others have.
inline bool IsFused(const std::string& instruction_set) {
  return instruction_set != "SCALAR" && instruction_set != "EMU128";
}

// What `compute` returns has the same bits with each set that fuses multiply and add.
inline void ExpectSameBitsOnEachFusedSet(const std::function<std::vector<float>()>& compute) {
  std::vector<uint32_t> first;
  OnEachInstructionSet([&](const std::string& name) {
    if (!IsFused(name)) return;
    std::vector<uint32_t> bits;
    for (const float value : compute()) bits.push_back(std::bit_cast<uint32_t>(value));
    if (first.empty()) first = bits;
    EXPECT_EQ(bits, first);
  });
}

}  // namespace windrose
