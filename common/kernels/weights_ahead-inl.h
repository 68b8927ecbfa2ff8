// WeightsAhead: asks memory for packed weights before they are used, a line at a time, between the
// products of those that are in use.
//
// A core waits for a dozen or so lines at once. More than that asked for in a row hold up every
// load behind them: when the lines of half a group were, four rows of q8 took a third longer.
// Private to common/kernels; compiled once per instruction set.
#include <cstddef>

#include "common/kernels/lanes-inl.h"
#include "common/tensor/packed_layout.h"

#if defined(WINDROSE_KERNELS_WEIGHTS_AHEAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WINDROSE_KERNELS_WEIGHTS_AHEAD_INL_H_
#undef WINDROSE_KERNELS_WEIGHTS_AHEAD_INL_H_
#else
#define WINDROSE_KERNELS_WEIGHTS_AHEAD_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

constexpr size_t kAheadBytes = 4096;
constexpr size_t kLineBytes = 64;

// What is asked for while half a group is multiplied.
template <DType kType>
class WeightsAhead {
 public:
  static constexpr bool kAsks = true;

  // `half`: the weights in use.
  explicit WeightsAhead(const std::byte* half) : lines_(half + kAheadBytes) {}

  // While this chunk of the half, four inputs, is multiplied.
  HWY_INLINE void AskDuring(size_t chunk) const {
    constexpr size_t kLineChunks = kType == DType::kQ4 ? 2 : 1;
    if (chunk % kLineChunks == 0) PrefetchLine(lines_ + chunk / kLineChunks * kLineBytes);
  }

 private:
  const std::byte* lines_;
};

// For rows whose weights have been asked for.
struct NothingAhead {
  static constexpr bool kAsks = false;
  HWY_INLINE void AskDuring(size_t /*chunk*/) const {}
};

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
