// Products as the kernel tests want them, of every format. Test code only.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "common/kernels/matmul.h"
#include "tests/unit/common/kernels/random_values.h"

namespace windrose {

struct ProductShape {
  size_t rows;
  size_t inputs;
  size_t outputs;
};

// x: [n, weight.cols]; returns [n, weight.rows]. `order` counts for packed bf16.
inline std::vector<float> Multiply(const std::vector<float>& x, const WeightView& weight,
                                   size_t threads, Bf16Order order = Bf16Order::kPairs) {
  ThreadPool pool(threads);
  const size_t rows = x.size() / weight.cols;
  MatMulInput input(rows, weight.cols);
  input.set_bf16_order(order);
  input.Assign(ConstRows(x.data(), rows, weight.cols), weight.dtype, pool);
  std::vector<float> out(rows * weight.rows, std::nanf(""));
  MatMul(input, weight, Rows(out.data(), rows, weight.rows), pool);
  return out;
}

// The promise that makes batching invisible: each of `row_count` rows gives the same bits alone and
// in any company, on any number of threads.
inline void ExpectSameBitsInAnyCompany(const WeightView& weight, size_t row_count,
                                       Bf16Order order = Bf16Order::kPairs) {
  const std::vector<float> x = RandomValues(row_count * weight.cols, 6);
  const auto first = [&](size_t row) {
    return x.begin() + static_cast<ptrdiff_t>(row * weight.cols);
  };
  std::vector<std::vector<float>> alone;
  for (size_t row = 0; row < row_count; ++row) {
    alone.push_back(Multiply({first(row), first(row + 1)}, weight, 1, order));
  }
  for (size_t rows = 2; rows <= row_count; ++rows) {
    const std::vector<float> out = Multiply({x.begin(), first(rows)}, weight, 1 + rows % 4, order);
    for (size_t row = 0; row < rows; ++row) {
      for (size_t o = 0; o < weight.rows; ++o) {
        ASSERT_EQ(out[row * weight.rows + o], alone[row][o])
            << rows << " rows, row " << row << ", output " << o << " " << NameOf(weight.dtype);
      }
    }
  }
}

}  // namespace windrose
