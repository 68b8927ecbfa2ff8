#include "common/kernels/matrix_unit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/kernels/packed_matmul.h"
#include "tests/unit/common/kernels/packed_weight.h"
#include "tests/unit/common/kernels/products.h"
#include "tests/unit/common/kernels/tile_emulator.h"

namespace windrose {
namespace {

TEST(MatrixUnit, IsASetOfItsOwnWhereTheProcessorHasIt) {
  const std::vector<std::string> sets = SupportedInstructionSets();
  const bool listed = std::find(sets.begin(), sets.end(), "AVX3_AMX") != sets.end();
  EXPECT_TRUE(HasMatrixUnit() || !listed);
  EXPECT_NE(sets.front(), "AVX3_AMX");  // used only where it is asked for
  EXPECT_EQ(UsedByteProducts(), ByteProducts::kVectors);
  EXPECT_EQ(UseInstructionSet("AVX3_AMX").ok(), listed);
  EXPECT_EQ(UsedByteProducts() == ByteProducts::kMatrixUnit, listed);
  ASSERT_TRUE(UseInstructionSet("best").ok());
}

#if defined(__x86_64__) && defined(__linux__)

std::vector<float> Product(const std::vector<float>& x, const WeightView& weight,
                           ByteProducts products) {
  ThreadPool pool(2);
  const size_t rows = x.size() / weight.cols;
  QuantizedRows quantized(rows, weight.cols);
  quantized.Quantize(ConstRows(x.data(), rows, weight.cols), pool);
  std::vector<float> out(rows * weight.rows);
  MultiplyPacked(quantized, weight, Rows(out.data(), rows, weight.rows), pool, products);
  return out;
}

// On the unit where there is one, else in emulation.
TEST(MatrixUnit, GivesTheBitsOfVectors) {
  if (!UseInstructionSet("AVX3_DL").ok()) GTEST_SKIP() << "no AVX-512 with byte products";
  const TileEmulator emulator;
  const uint64_t before = TileEmulator::instruction_count();
  for (const DType dtype : {DType::kQ4, DType::kQ8}) {
    for (const size_t rows : {1U, 7U, 8U, 15U, 16U, 17U, 31U, 32U, 40U, 70U}) {
      for (const size_t cols : {32U, 128U, 200U, 384U}) {
        const std::vector<float> x = RandomValues(rows * cols, rows);
        const RandomPackedWeight weight(37, cols, dtype, cols);
        ASSERT_EQ(Product(x, weight.view, ByteProducts::kMatrixUnit),
                  Product(x, weight.view, ByteProducts::kVectors))
            << NameOf(dtype) << " " << rows << " rows of " << cols;
      }
    }
  }
  EXPECT_TRUE(HasMatrixUnit() || TileEmulator::instruction_count() > before);
  ASSERT_TRUE(UseInstructionSet("best").ok());
}

#endif

}  // namespace
}  // namespace windrose
