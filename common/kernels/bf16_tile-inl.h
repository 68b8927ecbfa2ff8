// What a tile of rows and panels of packed bf16 is computed from and into, by vectors and by the
// matrix unit. Private to common/kernels; compiled once per instruction set.
#include <array>
#include <cstddef>
#include <cstdint>

#include "common/kernels/bf16_rows.h"
#include "common/kernels/lanes-inl.h"
#include "common/tensor/packed_layout.h"

#if defined(WINDROSE_KERNELS_BF16_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BF16_TILE_INL_H_
#undef WINDROSE_KERNELS_BF16_TILE_INL_H_
#else
#define WINDROSE_KERNELS_BF16_TILE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// What a tile of the matrix unit takes: its registers hold the sums of so many.
constexpr size_t kBf16UnitRows = Bf16Rows::kTileRows;
constexpr size_t kBf16UnitPanels = 2;
// Pairs that one product of the unit sums apart before it adds them.
constexpr size_t kBlockPairs = kBlockInputs / 2;
constexpr size_t kMostSums = kBf16UnitRows * kBf16UnitPanels;  // of any tile

// Some panels of the weights: where each one's pairs begin. Panels that are missing at the end are
// the last one again, whose results are not wanted then.
struct PanelGroup {
  std::array<const std::byte*, 4> pairs;
  size_t pair_count;
};

// What a tile asks for while it is computed: for each pair, `step` bytes more from `begin` bytes
// behind the pairs of each panel on.
struct Prefetching {
  size_t begin;
  size_t step;
};

// Some rows of activations, side by side.
struct InputTile {
  const uint16_t* pairs;
  size_t stride;
  Prefetching prefetching;
};

// The sums of a tile while they are in memory, row by row.
struct TileSums {
  HWY_ALIGN_MAX float data[kMostSums * kPanelOutputs];
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
