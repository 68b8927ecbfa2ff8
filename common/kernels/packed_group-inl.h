// Groups of packed weights, 128 inputs of sixteen outputs, as the products of every instruction set
// and of the matrix unit read them. Private to common/kernels; compiled once per instruction set.
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "common/kernels/byte_dot-inl.h"
#include "common/kernels/lanes-inl.h"
#include "common/kernels/quantized_rows.h"
#include "common/tensor/packed_layout.h"

#if defined(WINDROSE_KERNELS_PACKED_GROUP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_PACKED_GROUP_INL_H_
#undef WINDROSE_KERNELS_PACKED_GROUP_INL_H_
#else
#define WINDROSE_KERNELS_PACKED_GROUP_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// One panel of a matrix.
template <DType kType>
class PackedPanel {
 public:
  PackedPanel(const std::byte* data, size_t inputs)
      : data_(data),
        groups_(data + PackedGroupsOffset(kType, inputs)),
        count_(GroupCount(inputs)) {}

  size_t group_count() const { return count_; }
  const std::byte* row_scales() const { return data_; }
  const std::byte* block(size_t index, size_t block) const {
    return group(index) + kGroupHeaderBytes + block * PackedBlockBytes(kType);
  }
  // What a group's header says of a block: its levels in q4, its scales in q8.
  const std::byte* header(size_t index, size_t block) const {
    return group(index) + block * kPanelOutputs;
  }
  // The codes of a group of q4, or of a block of q8.
  const std::byte* scales(size_t index, size_t block) const {
    if (kType == DType::kQ8) return header(index, block);
    return data_ + kRowScaleBytes + index * kPanelOutputs;
  }

 private:
  const std::byte* group(size_t index) const { return groups_ + index * PackedGroupBytes(kType); }

  const std::byte* data_;
  const std::byte* groups_;
  size_t count_;
};

// Half a group, as one register of outputs meets it: first or second half, part of the panel.
template <DType kType, size_t kHalf, class Weights = HalfWeights<kType>>
struct Half {
  Weights weights;
  FloatVector scales[kType == DType::kQ8 ? kHalfBlocks : 1];
  size_t lane;  // of the panel: the register's first output

  HWY_INLINE Half(const PackedPanel<kType>& panel, size_t group, size_t first_lane)
      : lane(first_lane) {
    constexpr size_t kFirst = kHalf * kHalfBlocks;
    LoadHalf(panel.block(group, kFirst) + 4 * lane, panel.header(group, kFirst) + lane, weights);
    for (size_t b = 0; b < std::size(scales); ++b) {
      scales[b] = ScalesOfCodes(LoadHeader(panel.scales(group, kFirst + b) + lane));
    }
  }
};

// The sums of a tile of rows and some panels.
template <size_t kPanels>
struct PanelSums {
  HWY_ALIGN_MAX float of[QuantizedRows::kTileRows][kPanels][kPanelOutputs] = {};
};

// Those of one panel, as vectors want them, and what the part of a group before this one came to:
// of q8 a scaled block, of q4 the dot of half a group, an integer's bits.
struct TileSums : PanelSums<1> {
  HWY_ALIGN_MAX float part[QuantizedRows::kTileRows][kPanelOutputs];
};

// sum += dot * scale * activation scale: what a group of q4 gives to one row.
HWY_INLINE void AddGroupDot(IntVector dot, FloatVector scale, float row_scale, float* sum) {
  const FloatTag d;
  const auto scaled = hn::Mul(hn::ConvertTo(d, dot), scale);
  hn::Store(hn::MulAdd(scaled, hn::Set(d, row_scale), hn::Load(d, sum)), d, sum);
}

// sum += both scaled dots * activation scale: what half a group of q8 gives.
HWY_INLINE void AddHalfDots(FloatVector both, float row_scale, float* sum) {
  const FloatTag d;
  hn::Store(hn::MulAdd(both, hn::Set(d, row_scale), hn::Load(d, sum)), d, sum);
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
