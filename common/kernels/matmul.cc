#include "common/kernels/matmul.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/kernels/bf16_matmul.h"
#include "common/kernels/index_range.h"
#include "common/kernels/packed_matmul.h"
#include "common/kernels/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/matmul.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/dot_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// Up to so many rows are multiplied straight from the weights; more are worth unpacking them first.
constexpr size_t kFewRows = 8;

// All rows of x with kOutputs outputs.
template <DType kType, size_t kOutputs, size_t... kRowsLessOne>
HWY_INLINE void MultiplyOutputs(const ConstRows& x, const TileWeights& weights, const Rows& out,
                                size_t first_output, std::index_sequence<kRowsLessOne...>) {
  const auto tile_at = [&](size_t row) { return TileRows{x.data + row * x.cols, x.cols}; };
  const auto out_at = [&](size_t row) { return out.data + row * out.cols + first_output; };
  size_t row = 0;
  for (; row + kTileRows <= x.rows; row += kTileRows) {
    DotTile<kType, kTileRows, kOutputs>(tile_at(row), weights, x.cols, out_at(row), out.cols);
  }
  ((x.rows - row == kRowsLessOne + 1 ? DotTile<kType, kRowsLessOne + 1, kOutputs>(
                                           tile_at(row), weights, x.cols, out_at(row), out.cols)
                                     : void()),
   ...);
}

template <DType kType>
void MultiplyFewRows(const ConstRows& x, const WeightView& weight, const Rows& out,
                     const IndexRange& outputs) {
  const auto weights_at = [&](size_t o) { return TileWeights{weight.row(o), weight.row_bytes()}; };
  const std::make_index_sequence<kTileRows - 1> remainders;
  size_t o = outputs.begin;
  if (x.rows == 1) {
    // A single row leaves registers for more outputs, and so for more streams from memory.
    for (; o + 4 <= outputs.end; o += 4) {
      DotTile<kType, 1, 4>({x.data, x.cols}, weights_at(o), x.cols, out.data + o, out.cols);
    }
  }
  for (; o + kTileOutputs <= outputs.end; o += kTileOutputs) {
    MultiplyOutputs<kType, kTileOutputs>(x, weights_at(o), out, o, remainders);
  }
  for (; o < outputs.end; ++o) MultiplyOutputs<kType, 1>(x, weights_at(o), out, o, remainders);
}

// Many rows: a panel of a few outputs is converted to f32 piece by piece, and each piece is used by
// a block of rows while it stays in the nearest cache. Between pieces the lanes rest in `sums`. A
// tile holds one register of each (row, output) at a time, so that more of them fit.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr size_t kPanelTileRows = 6;
constexpr size_t kPanelTileOutputs = 4;
#else
constexpr size_t kPanelTileRows = 4;
constexpr size_t kPanelTileOutputs = 3;
#endif
constexpr size_t kPanelOutputs = 2 * kPanelTileOutputs;
constexpr size_t kPieceInputs = 512;
constexpr size_t kBlockRows = 48;
constexpr size_t kBlockBytes = 384 * 1024;  // of activations, to stay in the second cache

struct Panel {
  HWY_ALIGN_MAX float weights[kPanelOutputs][kPieceInputs];
  HWY_ALIGN_MAX float sums[kBlockRows][kPanelOutputs][kLanes];
};

template <DType kType>
void UnpackPiece(const WeightView& weight, const IndexRange& outputs, const IndexRange& inputs,
                 Panel& panel) {
  for (size_t o = 0; o < outputs.size(); ++o) {
    const std::byte* from = weight.row(outputs.begin + o) + inputs.begin * SizeOf(kType);
    size_t k = 0;
    for (; k + kLanes <= inputs.size(); k += kLanes) {
      StoreLanes(LoadWeightLanes<kType>(from + k * SizeOf(kType)), panel.weights[o] + k);
    }
    if (k < inputs.size()) {
      StoreLanes(LoadSomeWeightLanes<kType>(from + k * SizeOf(kType), inputs.size() - k),
                 panel.weights[o] + k);
    }
  }
}

// sums += products of register `part` of the lanes, over `steps` times 16 inputs.
template <size_t kRows, size_t kOutputs>
HWY_INLINE void AccumulatePart(const TileRows& rows, const float* weights, size_t steps,
                               size_t part, float* sums) {
  const FloatTag d;
  const size_t lane = part * kVectorFloats;
  constexpr size_t kRowStride = kPanelOutputs * kLanes;
  FloatVector sum[kRows][kOutputs];
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (size_t o = 0; o < kOutputs; ++o) {
      sum[r][o] = hn::Load(d, sums + r * kRowStride + o * kLanes + lane);
    }
  }
  for (size_t k = lane; k < steps * kLanes; k += kLanes) {
    FloatVector w[kOutputs];
    HWY_UNROLL(8)
    for (size_t o = 0; o < kOutputs; ++o) {
      w[o] = hn::Load(d, weights + o * kPieceInputs + k);
      KeepInRegister(w[o]);
    }
    HWY_UNROLL(8)
    for (size_t r = 0; r < kRows; ++r) {
      FloatVector x = hn::LoadU(d, rows.data + r * rows.stride + k);
      KeepInRegister(x);
      HWY_UNROLL(8)
      for (size_t o = 0; o < kOutputs; ++o) sum[r][o] = hn::MulAdd(x, w[o], sum[r][o]);
    }
  }
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (size_t o = 0; o < kOutputs; ++o) {
      hn::Store(sum[r][o], d, sums + r * kRowStride + o * kLanes + lane);
    }
  }
}

// The last inputs, which fill no 16 lanes, of some rows.
void AccumulateRest(const TileRows& rows, const IndexRange& inputs, const IndexRange& row_range,
                    size_t outputs, Panel& panel) {
  for (size_t row = row_range.begin; row < row_range.end; ++row) {
    const float* from = rows.data + (row - row_range.begin) * rows.stride + inputs.begin;
    const Lanes x = LoadSomeLanes(from, inputs.size());
    for (size_t o = 0; o < outputs; ++o) {
      Lanes sum = LoadLanes(panel.sums[row][o]);
      AddProduct(sum, x, LoadLanes(panel.weights[o] + inputs.begin));
      StoreLanes(sum, panel.sums[row][o]);
    }
  }
}

// kRows rows from `row` on against one piece of all outputs of the panel.
template <size_t kRows>
void AccumulatePanelRows(const TileRows& rows, size_t inputs, size_t row, size_t outputs,
                         Panel& panel) {
  const size_t steps = inputs / kLanes;
  for (size_t part = 0; part < kParts; ++part) {
    size_t o = 0;
    for (; o + kPanelTileOutputs <= outputs; o += kPanelTileOutputs) {
      AccumulatePart<kRows, kPanelTileOutputs>(rows, panel.weights[o], steps, part,
                                               panel.sums[row][o]);
    }
    for (; o < outputs; ++o) {
      AccumulatePart<kRows, 1>(rows, panel.weights[o], steps, part, panel.sums[row][o]);
    }
  }
  if (steps * kLanes < inputs) {
    AccumulateRest(rows, {steps * kLanes, inputs}, {row, row + kRows}, outputs, panel);
  }
}

// All rows of the block against one piece of the panel.
void AccumulatePiece(const ConstRows& block, const IndexRange& inputs, size_t outputs,
                     Panel& panel) {
  const auto rows_from = [&](size_t row) {
    return TileRows{block.data + row * block.cols + inputs.begin, block.cols};
  };
  size_t row = 0;
  for (; row + kPanelTileRows <= block.rows; row += kPanelTileRows) {
    AccumulatePanelRows<kPanelTileRows>(rows_from(row), inputs.size(), row, outputs, panel);
  }
  for (; row < block.rows; ++row) {
    AccumulatePanelRows<1>(rows_from(row), inputs.size(), row, outputs, panel);
  }
}

template <DType kType>
void MultiplyBlock(const ConstRows& block, const WeightView& weight, const Rows& out,
                   const IndexRange& outputs) {
  Panel panel;
  for (size_t first = outputs.begin; first < outputs.end; first += kPanelOutputs) {
    const IndexRange some{first, std::min(first + kPanelOutputs, outputs.end)};
    std::fill_n(&panel.sums[0][0][0], block.rows * kPanelOutputs * kLanes, 0.0F);
    for (size_t k = 0; k < block.cols; k += kPieceInputs) {
      const IndexRange inputs{k, std::min(k + kPieceInputs, block.cols)};
      UnpackPiece<kType>(weight, some, inputs, panel);
      AccumulatePiece(block, inputs, some.size(), panel);
    }
    for (size_t row = 0; row < block.rows; ++row) {
      for (size_t o = 0; o < some.size(); ++o) {
        out.data[row * out.cols + first + o] = TreeSum(LoadLanes(panel.sums[row][o]));
      }
    }
  }
}

template <DType kType>
void MultiplyManyRows(const ConstRows& x, const WeightView& weight, const Rows& out,
                      const IndexRange& outputs) {
  const size_t fitting = kBlockBytes / (std::max<size_t>(x.cols, 1) * sizeof(float));
  const size_t block_rows =
      std::clamp(fitting / kPanelTileRows * kPanelTileRows, size_t{12}, kBlockRows);
  for (size_t row = 0; row < x.rows; row += block_rows) {
    const size_t rows = std::min(block_rows, x.rows - row);
    MultiplyBlock<kType>({x.data + row * x.cols, rows, x.cols}, weight,
                         {out.data + row * out.cols, rows, out.cols}, outputs);
  }
}

template <DType kType>
void MultiplyOfType(const ConstRows& x, const WeightView& weight, const Rows& out,
                    const IndexRange& outputs) {
  if (x.rows <= kFewRows) return MultiplyFewRows<kType>(x, weight, out, outputs);
  MultiplyManyRows<kType>(x, weight, out, outputs);
}

void MatMulRange(const ConstRows& x, const WeightView& weight, const Rows& out,
                 const IndexRange& outputs) {
  switch (weight.dtype) {
    case DType::kF32:
      return MultiplyOfType<DType::kF32>(x, weight, out, outputs);
    case DType::kF16:
      return MultiplyOfType<DType::kF16>(x, weight, out, outputs);
    case DType::kBf16:
      return MultiplyOfType<DType::kBf16>(x, weight, out, outputs);
    case DType::kQ8:
    case DType::kQ4:
    case DType::kPackedBf16:
      return;  // MatMul has checked.
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(MatMulRange);

// How a weight's outputs are shared among threads.
struct Cut {
  size_t unit_outputs;  // of what one thread computes at least
  size_t together;      // units that are best computed together
  size_t products;      // worth another thread
};
Cut CutOf(DType weight) {
  if (weight == DType::kPackedBf16) return {kPanelOutputs, 4, 256 * 1024};
  if (IsQuantized(weight)) return {kPanelOutputs, 2, 256 * 1024};
  return {1, 8, 64 * 1024};
}

// One product, in units that may be computed in any order.
class Product {
 public:
  Product(const MatMulInput& x, const WeightView& weight, const Rows& out)
      : x_(x), weight_(weight), out_(out), cut_(CutOf(weight.dtype)) {
    CHECK(rows().cols == weight.cols && out.cols == weight.rows && out.rows == rows().rows);
    CHECK(!IsQuantized(weight.dtype) || IsCurrent(x.quantized()));
    CHECK(weight.dtype != DType::kPackedBf16 || IsCurrent(x.bf16()));
  }

  // None without rows.
  size_t units() const {
    return rows().rows == 0 ? 0 : (weight_.rows + cut_.unit_outputs - 1) / cut_.unit_outputs;
  }
  // Units worth another thread, each of them computed for `products` such products.
  size_t Grain(size_t products) const {
    return Whole(cut_.products / (UnitResults() * std::max<size_t>(1, rows().cols) * products));
  }
  // Units whose results take `bytes`.
  size_t UnitsOf(size_t bytes) const { return Whole(bytes / (UnitResults() * sizeof(float))); }
  IndexRange OutputsOf(const IndexRange& units) const {
    return {units.begin * cut_.unit_outputs, std::min(units.end * cut_.unit_outputs, weight_.rows)};
  }

  void Compute(const IndexRange& units) const {
    if (IsQuantized(weight_.dtype)) return MultiplyPacked(*x_.quantized(), weight_, out_, units);
    if (weight_.dtype == DType::kPackedBf16) return MultiplyBf16(*x_.bf16(), weight_, out_, units);
    HWY_DYNAMIC_DISPATCH(MatMulRange)(rows(), weight_, out_, units);
  }

 private:
  const ConstRows& rows() const { return x_.rows(); }
  size_t UnitResults() const { return std::max<size_t>(1, rows().rows) * cut_.unit_outputs; }
  // So many units, or a few more: what is computed together is not divided.
  size_t Whole(size_t units) const {
    return std::max<size_t>(1, units / cut_.together) * cut_.together;
  }
  template <class PackedRows>
  bool IsCurrent(const PackedRows* packed) const {
    return packed != nullptr && packed->rows() == rows().rows;
  }

  const MatMulInput& x_;
  const WeightView& weight_;
  const Rows& out_;
  const Cut cut_;
};

// Whole panels of a packed weight.
WeightView OutputsOf(const WeightView& weight, const IndexRange& outputs) {
  const size_t before = IsPacked(weight.dtype)
                            ? PackedMatrixBytes(weight.dtype, outputs.begin, weight.cols)
                            : outputs.begin * weight.row_bytes();
  return {weight.dtype, weight.data + before, outputs.size(), weight.cols};
}

// Bytes of results that should stay in the second cache until they meet the other matrix's.
constexpr size_t kGatedBytes = 128 * 1024;

}  // namespace

void MatMulInput::Assign(const ConstRows& x, DType weights, ThreadPool& pool) {
  rows_ = x;
  if (IsQuantized(weights)) {
    if (!quantized_) quantized_.emplace(max_rows_, max_cols_);
    quantized_->Quantize(x, pool);
  } else if (weights == DType::kPackedBf16) {
    if (!bf16_) bf16_.emplace(max_rows_, max_cols_);
    bf16_->Round(x, order_, pool);
  }
}

void MatMul(const MatMulInput& x, const WeightView& weight, const Rows& out, ThreadPool& pool) {
  const Product product(x, weight, out);
  pool.ParallelFor(product.units(), product.Grain(1), [&](size_t begin, size_t end) {
    product.Compute({begin, end});
  });
}

void MatMul(const ConstRows& x, const WeightView& weight, const Rows& out, ThreadPool& pool) {
  CHECK(!IsPacked(weight.dtype));
  MatMulInput input(x.rows, x.cols);
  input.Assign(x, weight.dtype, pool);
  MatMul(input, weight, out, pool);
}

void MatMulSwiGlu(const MatMulInput& x, const GatedWeights& weights, const Rows& out,
                  std::span<float> room, ThreadPool& pool) {
  CHECK(weights.up.dtype == weights.gate.dtype && weights.up.rows == weights.gate.rows);
  CHECK(room.size() == out.all().size());
  const Product gate(x, weights.gate, out);
  const size_t piece = gate.UnitsOf(kGatedBytes);
  pool.ParallelFor(gate.units(), gate.Grain(2), [&](size_t begin, size_t end) {
    for (; begin < end; begin += piece) {
      const IndexRange units{begin, std::min(begin + piece, end)};
      const IndexRange outputs = gate.OutputsOf(units);
      const Rows up(room.subspan(outputs.begin * out.rows, outputs.size() * out.rows),
                    outputs.size());
      gate.Compute(units);
      Product(x, OutputsOf(weights.up, outputs), up).Compute({0, units.size()});
      for (size_t row = 0; row < out.rows; ++row) {
        SwiGlu(out.row(row).subspan(outputs.begin, outputs.size()), up.row(row));
      }
    }
  });
}

}  // namespace windrose
#endif  // HWY_ONCE
