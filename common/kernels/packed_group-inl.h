// A group of packed weights, 64 inputs of sixteen outputs, as the products of every instruction set
// and of the matrix unit read it. Private to common/kernels; compiled once per instruction set.
#include <cstddef>
#include <cstdint>

#include "common/kernels/byte_dot-inl.h"
#include "common/kernels/lanes-inl.h"
#include "common/kernels/quantized_rows.h"
#include "common/tensor/packed_layout.h"
#include "hwy/cache_control.h"

#if defined(WINDROSE_KERNELS_PACKED_GROUP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_PACKED_GROUP_INL_H_
#undef WINDROSE_KERNELS_PACKED_GROUP_INL_H_
#else
#define WINDROSE_KERNELS_PACKED_GROUP_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// Rows that use a weight so rarely that memory sets the pace.
template <DType kType>
#if HWY_TARGET <= HWY_AVX3_DL
constexpr size_t kFewRows = kType == DType::kQ4 ? 4 : 16;
#else
constexpr size_t kFewRows = 2;
#endif

template <DType kType>
constexpr size_t kScaleBytes = kType == DType::kQ4 ? 1 : 2;

// Weights and scales of a group's blocks for the outputs of one register.
template <DType kType>
struct Group {
  BlockWeights<kType> weights[kGroupBlocks];
  FloatVector scales[kGroupBlocks];
};

// `header`: the group's, advanced to the block's first output.
template <DType kType>
HWY_INLINE FloatVector LoadScales(const std::byte* header) {
  if constexpr (kType == DType::kQ8) return LoadWeights<DType::kBf16>(header);
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  const hn::Rebind<uint8_t, FloatTag> bytes;
  // A code is the lower exponent and the upper mantissa bits of an f32 below 2. GroupDots count
  // eighths.
  const auto code = hn::PromoteTo(du, hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(header)));
  return hn::BitCast(d,
                     hn::Add(hn::ShiftLeft<19>(code), hn::Set(du, uint32_t{127 - 15 - 3} << 23)));
}

// `from`: the group; `part`: which register of the panel's outputs.
template <DType kType>
HWY_INLINE void LoadGroup(const std::byte* from, size_t part, Group<kType>& group) {
  HWY_UNROLL(2)
  for (size_t b = 0; b < kGroupBlocks; ++b) {
    const size_t output = b * kPanelOutputs + part * kVectorFloats;
    const std::byte* zeros = from + kGroupBlocks * kPanelOutputs + output;
    const std::byte* weights = from + kGroupHeaderBytes + b * PackedBlockBytes(kType);
    group.scales[b] = LoadScales<kType>(from + output * kScaleBytes<kType>);
    LoadBlockWeights<kType>(weights + part * kVectorBytes, zeros, group.weights[b]);
  }
}

// Asks for weights that come after a group. For few rows far ahead and into the second-level cache,
// which can wait for more lines at a time; else nearer, and into the first.
template <DType kType>
HWY_INLINE void PrefetchBehind(const std::byte* group, size_t rows) {
  constexpr size_t kFar = 8192;
  constexpr size_t kNear = 4096;
  if (rows <= kFewRows<kType>) {
    for (size_t byte = 0; byte < PackedGroupBytes(kType); byte += 64) {
      PrefetchLine(group + kFar + byte);
    }
  } else {
    for (size_t byte = 0; byte < PackedGroupBytes(kType); byte += 64) {
      hwy::Prefetch(group + kNear + byte);
    }
  }
}

// sum += what the blocks of one group give to one row and the outputs of one register.
template <DType kType>
HWY_INLINE void AddDots(IntVector first, IntVector second, const Group<kType>& group,
                        float row_scale, float* sum) {
  const FloatTag d;
  auto both = hn::Mul(hn::ConvertTo(d, first), group.scales[0]);
  both = hn::MulAdd(hn::ConvertTo(d, second), group.scales[1], both);
  hn::Store(hn::MulAdd(both, hn::Set(d, row_scale), hn::Load(d, sum)), d, sum);
}

// The sums of a tile of rows and one panel.
struct TileSums {
  HWY_ALIGN_MAX float of[QuantizedRows::kTileRows][kPanelOutputs] = {};
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
