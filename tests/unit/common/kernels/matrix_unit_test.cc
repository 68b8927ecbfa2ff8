#include "common/kernels/matrix_unit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/kernels/bf16_matmul.h"
#include "common/kernels/packed_matmul.h"
#include "tests/unit/common/kernels/packed_weight.h"
#include "tests/unit/common/kernels/products.h"
#include "tests/unit/common/kernels/tile_emulator.h"

namespace windrose {
namespace {

TEST(MatrixUnit, IsTheBestSetWhereTheProcessorHasIt) {
  const std::vector<std::string> sets = SupportedInstructionSets();
  const bool listed = std::find(sets.begin(), sets.end(), "AVX3_AMX") != sets.end();
  EXPECT_TRUE(HasMatrixUnit() || !listed);
  EXPECT_EQ(sets.front() == "AVX3_AMX", listed);
  EXPECT_EQ(UsedProducts() == Products::kMatrixUnit, listed);
  EXPECT_EQ(FastestBf16Order() == Bf16Order::kBlocks, listed);
  EXPECT_EQ(UseInstructionSet("AVX3_AMX").ok(), listed);
}

TEST(MatrixUnit, IsLeftAloneByOtherSets) {
  for (const std::string& set : SupportedInstructionSets()) {
    if (set == "AVX3_AMX") continue;
    ASSERT_TRUE(UseInstructionSet(set).ok());
    EXPECT_EQ(UsedProducts(), Products::kVectors) << set;
    EXPECT_EQ(FastestBf16Order(), Bf16Order::kPairs) << set;
  }
  ASSERT_TRUE(UseInstructionSet("best").ok());
}

#if defined(__x86_64__) && defined(__linux__)

struct Shape {
  size_t rows;
  size_t cols;
  size_t outputs;
};

// On the unit where there is one, else in emulation.
class MatrixUnitProducts : public testing::Test {
 protected:
  void SetUp() override {
    if (!UseInstructionSet("AVX3_DL").ok()) GTEST_SKIP() << "no AVX-512 with byte products";
  }
  void TearDown() override { ASSERT_TRUE(UseInstructionSet("best").ok()); }

  // Whether vectors and the unit agree on every shape: one register of rows and several, whole and
  // not, one panel and pairs of them.
  template <class Multiply>
  void ExpectBitsOfVectors(const Multiply& multiply) {
    const TileEmulator emulator;
    const uint64_t before = TileEmulator::instruction_count();
    for (const Shape& shape : Shapes()) ASSERT_NO_FATAL_FAILURE(Compare(multiply, shape));
    EXPECT_TRUE(HasMatrixUnit() || TileEmulator::instruction_count() > before);
  }

  static std::vector<Shape> Shapes() {
    std::vector<Shape> shapes;
    for (const size_t rows : {1U, 4U, 7U, 8U, 15U, 16U, 17U, 31U, 32U, 33U, 40U, 70U}) {
      for (const size_t cols : {32U, 128U, 200U, 384U}) {
        for (const size_t outputs : {5U, 37U, 64U}) shapes.push_back({rows, cols, outputs});
      }
    }
    shapes.push_back({130, 8320, 37});  // more activations than pass over the panels at once
    return shapes;
  }

  template <class Multiply>
  static void Compare(const Multiply& multiply, const Shape& shape) {
    Compare(multiply, RandomValues(shape.rows * shape.cols, shape.rows), shape);
  }

  template <class Multiply>
  static void Compare(const Multiply& multiply, const std::vector<float>& x, const Shape& shape) {
    std::vector<float> out[2];
    for (const Products products : {Products::kVectors, Products::kMatrixUnit}) {
      std::vector<float>& own = out[static_cast<size_t>(products)];
      own.resize(shape.rows * shape.outputs, std::nanf(""));  // unlike anything, if left so
      multiply(ConstRows(x, shape.cols), Rows(own, shape.outputs), products);
    }
    ASSERT_EQ(out[0], out[1]) << shape.rows << " rows, " << shape.cols << " inputs, "
                              << shape.outputs << " outputs";
  }

  void MultiplyBytes(const ConstRows& x, const WeightView& weight, const Rows& out,
                     Products products) {
    QuantizedRows rows(x.rows, x.cols);
    rows.Quantize(x, pool_);
    MultiplyPacked(rows, weight, out, {0, PanelCount(weight.rows)}, products);
  }

  void MultiplyInBlocks(const ConstRows& x, const Rows& out, Products products) {
    const RandomPackedWeight weight(out.cols, x.cols, DType::kPackedBf16, x.cols);
    Bf16Rows rows(x.rows, x.cols);
    rows.Round(x, Bf16Order::kBlocks, pool_);
    MultiplyBf16(rows, weight.view, out, {0, PanelCount(out.cols)}, products);
  }

  ThreadPool pool_{2};
};

TEST_F(MatrixUnitProducts, OfBytesHaveTheBitsOfVectors) {
  for (const DType dtype : {DType::kQ4, DType::kQ8}) {
    ExpectBitsOfVectors([&](const ConstRows& x, const Rows& out, Products products) {
      const RandomPackedWeight weight(out.cols, x.cols, dtype, x.cols);
      MultiplyBytes(x, weight.view, out, products);
    });
  }
}

// The largest dots there are: weights and activations at the ends of their ranges.
TEST_F(MatrixUnitProducts, OfTheLargestBytesHaveTheBitsOfVectors) {
  constexpr Shape kShape{20, 256, 32};
  const TileEmulator emulator;
  std::vector<float> w(kShape.outputs * kShape.cols, -2.0F);
  for (size_t i = 0; i < w.size(); i += 32) w[i] = 2.0F;
  for (const DType dtype : {DType::kQ4, DType::kQ8}) {
    const RandomPackedWeight weight(w, kShape.cols, dtype);
    for (const float largest : {3.0F, -3.0F}) {
      const std::vector<float> x(kShape.rows * kShape.cols, largest);
      Compare([&](const ConstRows& rows, const Rows& out,
                  Products products) { MultiplyBytes(rows, weight.view, out, products); },
              x, kShape);
    }
  }
}

TEST_F(MatrixUnitProducts, OfBf16HaveTheBitsOfVectors) {
  const auto multiply = [&](const ConstRows& x, const Rows& out, Products products) {
    MultiplyInBlocks(x, out, products);
  };
  ExpectBitsOfVectors(multiply);
  // So many inputs are multiplied with several tiles of rows in pieces.
  const TileEmulator emulator;
  Compare(multiply, {40, 8999, 20});
}

#endif

}  // namespace
}  // namespace windrose
