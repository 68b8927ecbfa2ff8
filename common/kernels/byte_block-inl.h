// What a block of packed weights is to the byte products of every instruction set. Private to
// common/kernels; compiled once per instruction set.
#include <cstddef>
#include <cstdint>

#include "common/kernels/lanes-inl.h"
#include "common/tensor/packed_layout.h"

#if defined(WINDROSE_KERNELS_BYTE_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_BYTE_BLOCK_INL_H_
#undef WINDROSE_KERNELS_BYTE_BLOCK_INL_H_
#else
#define WINDROSE_KERNELS_BYTE_BLOCK_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<FloatTag>;
using IntVector = hn::Vec<IntTag>;
constexpr size_t kChunkBytes = 64;                  // four inputs of sixteen outputs
constexpr size_t kBlockChunks = kBlockInputs / 4;   // of unpacked weights
constexpr size_t kVectorBytes = kVectorFloats * 4;  // of one chunk in a register

// Zero points in units of BlockDots' results; `zeros`: the codes of q4.
template <DType kType>
HWY_INLINE IntVector ZeroPoints([[maybe_unused]] const std::byte* zeros) {
  if constexpr (kType == DType::kQ8) return hn::Set(IntTag(), 128);
  const hn::Rebind<uint8_t, FloatTag> bytes;
  return hn::PromoteTo(IntTag(), hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(zeros)));
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

using WeightByteTag = hn::Repartition<uint8_t, FloatTag>;
using WeightBytes = hn::Vec<WeightByteTag>;

// Weights of q8 as they are kept. `from`: the block, advanced to the register's outputs.
HWY_INLINE void LoadChunks(const uint8_t* from, WeightBytes (&chunk)[kBlockChunks]) {
  HWY_UNROLL(8)
  for (size_t c = 0; c < kBlockChunks; ++c) {
    chunk[c] = hn::LoadU(WeightByteTag(), from + c * kChunkBytes);
  }
}

#endif

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
