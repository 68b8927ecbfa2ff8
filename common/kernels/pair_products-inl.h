// Sums of products of bf16 pairs, in either order of bf16_matmul.h: FusedPairs and InstructionPairs
// in that of vdpbf16ps, FusedBlocks in that of tdpbf16ps. A product of two bf16 is exact in f32, so
// fused multiply-adds give the bits of both instructions, as long as denormals are flushed
// (flush_denormals.h).
//
// Private to common/kernels; compiled once per instruction set.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/kernels/lanes-inl.h"
#include "common/tensor/packed_layout.h"

#if defined(WINDROSE_KERNELS_PAIR_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_PAIR_PRODUCTS_INL_H_
#undef WINDROSE_KERNELS_PAIR_PRODUCTS_INL_H_
#else
#define WINDROSE_KERNELS_PAIR_PRODUCTS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

HWY_INLINE uint32_t LoadPair(const uint16_t* from) {
  uint32_t pair = 0;
  std::memcpy(&pair, from, sizeof(pair));
  return pair;
}

// Fused multiply-adds, for every instruction set.
struct FusedPairs {
  // Sums of so many rows and outputs' registers fit beside the weights of as many panels.
#if HWY_TARGET <= HWY_AVX3
  static constexpr size_t kSums = 20;
  static constexpr size_t kMostPanels = 4;
#elif HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
  static constexpr size_t kSums = 4;
  static constexpr size_t kMostPanels = 1;
#else
  static constexpr size_t kSums = 1;
  static constexpr size_t kMostPanels = 1;
#endif

  // A sum takes what comes as it comes.
  static constexpr bool kInBlocks = false;
  using Sum = Lanes;

  using WordTag = hn::RebindToUnsigned<FloatTag>;

  struct Weights {
    FloatVector odd[kParts];
    FloatVector even[kParts];
  };
  struct Input {
    FloatVector odd;
    FloatVector even;
  };

  static HWY_INLINE FloatVector OddOf(hn::Vec<WordTag> pairs) {
    return hn::BitCast(FloatTag(), hn::And(pairs, hn::Set(WordTag(), 0xFFFF0000U)));
  }
  static HWY_INLINE FloatVector EvenOf(hn::Vec<WordTag> pairs) {
    return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(pairs));
  }

  // One pair of the 16 outputs of a panel, at any alignment.
  static HWY_INLINE Weights LoadWeights(const std::byte* from) {
    Weights weights;
    HWY_UNROLL(16)
    for (size_t p = 0; p < kParts; ++p) {
      const auto pairs = hn::BitCast(WordTag(), windrose::HWY_NAMESPACE::LoadWeights<DType::kF32>(
                                                    from + p * kVectorFloats * sizeof(uint32_t)));
      weights.odd[p] = OddOf(pairs);
      weights.even[p] = EvenOf(pairs);
    }
    return weights;
  }

  static HWY_INLINE Input LoadInput(const uint16_t* from) {
    const auto pairs = hn::Set(WordTag(), LoadPair(from));
    return {OddOf(pairs), EvenOf(pairs)};
  }

  static HWY_INLINE Sum Begin(const float* from) { return LoadLanes(from); }
  static HWY_INLINE Lanes Total(const Sum& sum) { return sum; }

  static HWY_INLINE void Add(const Weights& weights, const Input& input, Sum& sum) {
    AddProducts(weights.odd, input.odd, sum);
    AddProducts(weights.even, input.even, sum);
  }

  static HWY_INLINE void AddProducts(const FloatVector (&weights)[kParts], FloatVector input,
                                     Lanes& sum) {
    HWY_UNROLL(16)
    for (size_t p = 0; p < kParts; ++p) {
      sum.part[p] = hn::MulAdd(weights[p], input, sum.part[p]);
    }
  }
};

// The same, with sums of a block's odd and even inputs apart.
struct FusedBlocks : FusedPairs {
#if HWY_TARGET <= HWY_AVX3
  static constexpr size_t kSums = 8;
  static constexpr size_t kMostPanels = 4;
#else
  static constexpr size_t kSums = 1;
  static constexpr size_t kMostPanels = 1;
#endif

  static constexpr bool kInBlocks = true;
  struct Sum {
    Lanes total;
    Lanes odd;
    Lanes even;
  };

  static HWY_INLINE Sum Begin(const float* from) {
    return {LoadLanes(from), ZeroLanes(), ZeroLanes()};
  }
  static HWY_INLINE Lanes Total(const Sum& sum) { return sum.total; }

  static HWY_INLINE void Add(const Weights& weights, const Input& input, Sum& sum) {
    AddProducts(weights.odd, input.odd, sum.odd);
    AddProducts(weights.even, input.even, sum.even);
  }

  static HWY_INLINE void EndBlock(Sum& sum) {
    HWY_UNROLL(16)
    for (size_t p = 0; p < kParts; ++p) {
      sum.total.part[p] = hn::Add(sum.total.part[p], hn::Add(sum.even.part[p], sum.odd.part[p]));
    }
    sum.odd = ZeroLanes();
    sum.even = ZeroLanes();
  }
};

#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX3_DL

// The instruction itself, as assembly: Highway 1.0.3 has no set with it.
struct InstructionPairs {
  static constexpr size_t kSums = 24;
  static constexpr size_t kMostPanels = 4;

  static constexpr bool kInBlocks = false;
  using Sum = Lanes;
  using Weights = __m512i;
  using Input = __m512i;

  static HWY_INLINE Sum Begin(const float* from) { return LoadLanes(from); }
  static HWY_INLINE Lanes Total(const Sum& sum) { return sum; }

  static HWY_INLINE Weights LoadWeights(const std::byte* from) { return _mm512_loadu_si512(from); }

  static HWY_INLINE Input LoadInput(const uint16_t* from) {
    return _mm512_set1_epi32(static_cast<int32_t>(LoadPair(from)));
  }

  static HWY_INLINE void Add(const Weights& weights, const Input& input, Sum& sum) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum.part[0].raw) : "v"(weights), "v"(input));
  }
};

#else

using InstructionPairs = FusedPairs;

#endif

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
