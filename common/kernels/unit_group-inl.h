// UnitGroup: a group of 128 inputs of some panels of q4 or q8, unpacked for the matrix unit.
//
// Private to common/kernels; compiled once per instruction set, for AVX3_DL alone.
#include <array>
#include <cstddef>
#include <cstdint>

#include "common/kernels/packed_group-inl.h"
#include "common/kernels/weights_ahead-inl.h"

#if defined(WINDROSE_KERNELS_UNIT_GROUP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_UNIT_GROUP_INL_H_
#undef WINDROSE_KERNELS_UNIT_GROUP_INL_H_
#else
#define WINDROSE_KERNELS_UNIT_GROUP_INL_H_
#endif

#if HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

// A dot begins with the bits of 1.5 * 2^23, whose last place is worth one: so the bits of its sum
// are those of a float, that number and the dot.
constexpr int32_t kDotStart = 0x4B400000;
constexpr float kDotStartValue = 12582912.0F;

template <DType kType, size_t kPanels>
struct UnitGroup {
  // A dot of q8 ends with its block.
  static constexpr size_t kDots = kType == DType::kQ8 ? kGroupBlocks : 1;
  static constexpr size_t kTileChunks = kType == DType::kQ8 ? kBlockChunks : kHalfChunks;

  HalfWeights<kType> halves[kPanels][2];  // signed
  FloatVector scales[kPanels][kDots];
  FloatVector offsets[kPanels][kDots];  // take the start out of a scaled dot

  HWY_INLINE void Load(const std::array<PackedPanel<kType>, kPanels>& panels, size_t group) {
    HWY_UNROLL(2)
    for (size_t p = 0; p < kPanels; ++p) {
      HWY_UNROLL(2)
      for (size_t h = 0; h < 2; ++h) {
        const size_t block = h * kHalfBlocks;
        if constexpr (kType == DType::kQ4) {
          Ask(panels[p].block(group, block) + kAheadBytes, PackedGroupBytes(kType) / 2);
        }
        LoadHalf<kType, 0>(panels[p].block(group, block), panels[p].header(group, block),
                           halves[p][h]);
      }
      HWY_UNROLL(4)
      for (size_t d = 0; d < kDots; ++d) {
        scales[p][d] = ScalesOfCodes(LoadHeader(panels[p].scales(group, d)));
        offsets[p][d] = hn::Mul(scales[p][d], hn::Set(FloatTag(), -kDotStartValue));
      }
    }
    if constexpr (kType == DType::kQ8) {
      HWY_UNROLL(2)
      for (size_t p = 0; p < kPanels; ++p) {
        Ask(panels[p].header(group, 0) + kNearerBytes, PackedGroupBytes(kType));
      }
    }
  }

  // Weights that come after these are asked for all at once, since there is not much else to be
  // held up; where and how far ahead is by measurement.
  static constexpr size_t kNearerBytes = 3072;
  static HWY_INLINE void Ask(const std::byte* begin, size_t bytes) {
    for (size_t byte = 0; byte < bytes; byte += kLineBytes) PrefetchLine(begin + byte);
  }

  // The contents of a tile register: kTileChunks chunks, one after the other.
  HWY_INLINE const void* tile(size_t panel, size_t index) const {
    const size_t chunk = index * kTileChunks;
    return halves[panel][chunk / kHalfChunks].chunk + chunk % kHalfChunks;
  }
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // AVX3_DL

#endif  // per target
