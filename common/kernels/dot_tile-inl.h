// DotTile: the products of a few rows with a few outputs, held in registers.
//
// Each (row, output) has its own 16 lanes, so how many rows and outputs share a tile changes no
// bits. Private to common/kernels; compiled once per instruction set.
#include <cstddef>

#include "common/kernels/lanes-inl.h"

#if defined(WINDROSE_KERNELS_DOT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_DOT_TILE_INL_H_
#undef WINDROSE_KERNELS_DOT_TILE_INL_H_
#else
#define WINDROSE_KERNELS_DOT_TILE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// As many accumulators as registers hold: 24 of 32 on AVX-512 and NEON, 12 of 16 on AVX2.
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kTileRows = 6;
constexpr size_t kTileOutputs = 4;
#else
constexpr size_t kTileRows = 3;
constexpr size_t kTileOutputs = 2;
#endif

// x: kRows rows of `stride` floats; w: kOutputs rows of `stride` bytes.
struct TileRows {
  const float* data;
  size_t stride;
};
struct TileWeights {
  const std::byte* data;
  size_t stride;
};

template <size_t kRows, size_t kOutputs>
struct Accumulators {
  Lanes lanes[kRows][kOutputs];
};

template <size_t kRows, size_t kOutputs>
HWY_INLINE void AddTileProduct(Accumulators<kRows, kOutputs>& sums, const Lanes (&x)[kRows],
                               const Lanes (&w)[kOutputs]) {
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (size_t o = 0; o < kOutputs; ++o) AddProduct(sums.lanes[r][o], x[r], w[o]);
  }
}

// sums += products over `size` inputs. A last part of fewer than 16 is filled with zeros.
template <DType kType, size_t kRows, size_t kOutputs>
HWY_INLINE void AccumulateTile(const TileRows& rows, const TileWeights& weights, size_t size,
                               Accumulators<kRows, kOutputs>& sums) {
  Lanes x[kRows];
  Lanes w[kOutputs];
  size_t k = 0;
  for (; k + kLanes <= size; k += kLanes) {
    HWY_UNROLL(8)
    for (size_t o = 0; o < kOutputs; ++o) {
      w[o] = LoadWeightLanes<kType>(weights.data + o * weights.stride + k * SizeOf(kType));
    }
    HWY_UNROLL(8)
    for (size_t r = 0; r < kRows; ++r) x[r] = LoadLanes(rows.data + r * rows.stride + k);
    AddTileProduct(sums, x, w);
  }
  if (k == size) return;
  HWY_UNROLL(8)
  for (size_t o = 0; o < kOutputs; ++o) {
    w[o] =
        LoadSomeWeightLanes<kType>(weights.data + o * weights.stride + k * SizeOf(kType), size - k);
  }
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    x[r] = LoadSomeLanes(rows.data + r * rows.stride + k, size - k);
  }
  AddTileProduct(sums, x, w);
}

template <size_t kRows, size_t kOutputs>
HWY_INLINE Accumulators<kRows, kOutputs> ZeroTile() {
  Accumulators<kRows, kOutputs> sums;
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (size_t o = 0; o < kOutputs; ++o) sums.lanes[r][o] = ZeroLanes();
  }
  return sums;
}

// out[r * out_stride + o] = dot of row r and output o.
template <DType kType, size_t kRows, size_t kOutputs>
HWY_INLINE void DotTile(const TileRows& rows, const TileWeights& weights, size_t size, float* out,
                        size_t out_stride) {
  Accumulators<kRows, kOutputs> sums = ZeroTile<kRows, kOutputs>();
  AccumulateTile<kType>(rows, weights, size, sums);
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (size_t o = 0; o < kOutputs; ++o) {
      out[r * out_stride + o] = TreeSum(sums.lanes[r][o]);
    }
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
