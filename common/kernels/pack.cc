#include "common/kernels/pack.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/pack.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/bf16_round-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<FloatTag>;
using IntVector = hn::Vec<IntTag>;

constexpr float kHighestQ4 = 15.0F;
constexpr float kHighestQ8 = 127.0F;
constexpr float kLargestScale = 1.9375F;
constexpr int32_t kScaleBase = (127 - 15) << 23;  // the bits of code 0's scale
// Steps are tried from the one that just holds all weights of a block downwards: a smaller one
// rounds most weights better and clips a few. Each is tried with refitted zero points.
constexpr int kStepsTried = 8;
constexpr int kZerosTried = 3;

// The weights of one block, input by input, an output of the panel in each lane.
struct Block {
  HWY_ALIGN_MAX float at[kBlockInputs][kPanelOutputs];
};

void ReadBlock(const ConstRows& rows, size_t block, Block& values) {
  const size_t first = block * kBlockInputs;
  for (size_t i = 0; i < kBlockInputs; ++i) {
    for (size_t o = 0; o < kPanelOutputs; ++o) {
      const bool there = o < rows.rows && first + i < rows.cols;
      values.at[i][o] = there ? rows.data[o * rows.cols + first + i] : 0.0F;
    }
  }
}

HWY_INLINE FloatVector At(const Block& values, size_t input, size_t lane) {
  return hn::Load(FloatTag(), values.at[input] + lane);
}

// What q4's sixteen values must span: the block's weights and zero.
struct Span {
  FloatVector low;
  FloatVector high;
};

HWY_INLINE Span SpanOf(const Block& values, size_t lane) {
  const FloatTag d;
  Span span{hn::Zero(d), hn::Zero(d)};
  for (size_t i = 0; i < kBlockInputs; ++i) {
    span.low = hn::Min(span.low, At(values, i, lane));
    span.high = hn::Max(span.high, At(values, i, lane));
  }
  return span;
}

HWY_INLINE FloatVector StepOf(const Span& span) {
  return hn::Div(hn::Sub(span.high, span.low), hn::Set(FloatTag(), kHighestQ4));
}

HWY_INLINE FloatVector ScaleOf(IntVector code) {
  const IntTag di;
  return hn::BitCast(FloatTag(), hn::Add(hn::ShiftLeft<19>(code), hn::Set(di, kScaleBase)));
}

// The lowest code whose scale is at least `scale`, 255 when there is none.
HWY_INLINE IntVector CodeFor(FloatVector scale) {
  const IntTag di;
  const auto above = hn::Sub(hn::BitCast(di, scale), hn::Set(di, kScaleBase));
  const auto code = hn::ShiftRight<19>(hn::Add(above, hn::Set(di, (1 << 19) - 1)));
  return hn::Min(hn::Max(code, hn::Zero(di)), hn::Set(di, 255));
}

HWY_INLINE FloatVector Clamp(FloatVector value, float low, float high) {
  const FloatTag d;
  return hn::Min(hn::Max(value, hn::Set(d, low)), hn::Set(d, high));
}

// To what a code can say.
HWY_INLINE FloatVector RoundZero(FloatVector zero) {
  const FloatTag d;
  const auto code = hn::Round(hn::Mul(zero, hn::Set(d, kZeroSteps)));
  return hn::Mul(Clamp(code, 0.0F, kHighestZeroCode), hn::Set(d, 1.0F / kZeroSteps));
}

// One way to write a block in q4, for each lane.
struct Choice {
  IntVector code;
  FloatVector zero;
  FloatVector error;  // sum of squared differences
};

HWY_INLINE FloatVector RoundQ4(FloatVector steps, FloatVector zero) {
  return Clamp(hn::Round(hn::Add(steps, zero)), 0.0F, kHighestQ4);
}

// The error that `choice` leaves; returns the zero point that would fit its rounding best, the mean
// of q - value / scale.
HWY_INLINE FloatVector Judge(const Block& values, size_t lane, FloatVector inverse,
                             Choice& choice) {
  const FloatTag d;
  auto error = hn::Zero(d);
  auto sum = hn::Zero(d);
  for (size_t i = 0; i < kBlockInputs; ++i) {
    const auto steps = hn::Mul(At(values, i, lane), inverse);
    const auto offset = hn::Sub(RoundQ4(steps, choice.zero), steps);
    const auto difference = hn::Sub(offset, choice.zero);
    sum = hn::Add(sum, offset);
    error = hn::Add(error, hn::Mul(difference, difference));
  }
  const auto scale = ScaleOf(choice.code);
  choice.error = hn::Mul(error, hn::Mul(scale, scale));
  return hn::Mul(sum, hn::Set(d, 1.0F / kBlockInputs));
}

HWY_INLINE void KeepBetter(const Choice& choice, Choice& best) {
  const auto better = hn::Lt(choice.error, best.error);
  best.error = hn::IfThenElse(better, choice.error, best.error);
  best.zero = hn::IfThenElse(better, choice.zero, best.zero);
  best.code = hn::IfThenElse(hn::RebindMask(IntTag(), better), choice.code, best.code);
}

// The best way found for the lanes from `lane` on; the block is already divided by the row's scale.
HWY_INLINE Choice ChooseQ4(const Block& values, size_t lane) {
  const FloatTag d;
  const IntTag di;
  const Span span = SpanOf(values, lane);
  const auto widest = CodeFor(StepOf(span));
  const auto middle = hn::Mul(hn::Add(span.low, span.high), hn::Set(d, 0.5F));
  Choice best{widest, hn::Zero(d), hn::Set(d, std::numeric_limits<float>::infinity())};
  for (int tried = 0; tried < kStepsTried; ++tried) {
    Choice choice = best;
    choice.code = hn::Max(hn::Sub(widest, hn::Set(di, tried)), hn::Zero(di));
    const auto inverse = hn::Div(hn::Set(d, 1.0F), ScaleOf(choice.code));
    // A step that is too small clips both ends alike.
    choice.zero = RoundZero(hn::Sub(hn::Set(d, kHighestQ4 / 2), hn::Mul(middle, inverse)));
    for (int refit = 0; refit < kZerosTried; ++refit) {
      const auto fitting = Judge(values, lane, inverse, choice);
      KeepBetter(choice, best);
      choice.zero = RoundZero(fitting);
    }
  }
  return best;
}

// Stores the low byte of each lane.
HWY_INLINE void StoreBytes(FloatVector whole, std::byte* to) {
  const hn::Rebind<uint8_t, FloatTag> bytes;
  hn::StoreU(hn::DemoteTo(bytes, hn::NearestInt(whole)), bytes, reinterpret_cast<uint8_t*>(to));
}

void PutQ4(const Block& values, size_t lane, size_t within, std::byte* group) {
  const FloatTag d;
  const Choice choice = ChooseQ4(values, lane);
  const size_t column = within * kPanelOutputs + lane;
  StoreBytes(hn::ConvertTo(d, choice.code), group + column);
  StoreBytes(hn::Mul(choice.zero, hn::Set(d, kZeroSteps)),
             group + kGroupBlocks * kPanelOutputs + column);
  const auto inverse = hn::Div(hn::Set(d, 1.0F), ScaleOf(choice.code));
  std::byte* block = group + kGroupHeaderBytes + within * PackedBlockBytes(DType::kQ4);
  for (size_t input = 0; input < kBlockInputs; ++input) {
    std::byte q[kVectorFloats];
    StoreBytes(RoundQ4(hn::Mul(At(values, input, lane), inverse), choice.zero), q);
    for (size_t o = 0; o < kVectorFloats; ++o) {
      block[input / 8 * 64 + (lane + o) * 4 + input % 4] |= q[o] << (input % 8 < 4 ? 0 : 4);
    }
  }
}

void PutQ8(const Block& values, size_t lane, size_t within, std::byte* group) {
  const FloatTag d;
  const IntTag di;
  auto largest = hn::Zero(d);
  for (size_t i = 0; i < kBlockInputs; ++i) {
    largest = hn::Max(largest, hn::Abs(At(values, i, lane)));
  }
  // The lowest bf16 that is at least a 127th of it.
  const auto exact = hn::BitCast(di, hn::Div(largest, hn::Set(d, kHighestQ8)));
  const auto half = hn::ShiftRight<16>(hn::Add(exact, hn::Set(di, 0xFFFF)));
  const auto scale = hn::BitCast(d, hn::ShiftLeft<16>(half));
  for (size_t o = 0; o < kVectorFloats; ++o) {
    HWY_ALIGN_MAX int32_t bits[kVectorFloats];
    hn::Store(half, di, bits);
    const auto stored = static_cast<uint16_t>(bits[o]);
    std::memcpy(group + (within * kPanelOutputs + lane + o) * sizeof(stored), &stored,
                sizeof(stored));
  }
  const auto divisor = hn::IfThenElse(hn::Gt(scale, hn::Zero(d)), scale, hn::Set(d, 1.0F));
  std::byte* block = group + kGroupHeaderBytes + within * PackedBlockBytes(DType::kQ8);
  for (size_t input = 0; input < kBlockInputs; ++input) {
    const auto rounded = hn::Round(hn::Div(At(values, input, lane), divisor));
    std::byte q[kVectorFloats];
    StoreBytes(hn::Add(Clamp(rounded, -kHighestQ8, kHighestQ8), hn::Set(d, 128.0F)), q);
    for (size_t o = 0; o < kVectorFloats; ++o) {
      block[input / 4 * 64 + (lane + o) * 4 + input % 4] = q[o];
    }
  }
}

// q4: the largest step of any block becomes the largest scale. q8 needs none.
void ChooseRowScales(DType dtype, const ConstRows& rows, size_t blocks, float* row_scales) {
  const FloatTag d;
  std::fill_n(row_scales, kPanelOutputs, 1.0F);
  if (dtype == DType::kQ8) return;
  HWY_ALIGN_MAX float largest[kPanelOutputs] = {};
  for (size_t block = 0; block < blocks; ++block) {
    Block values;
    ReadBlock(rows, block, values);
    for (size_t lane = 0; lane < kPanelOutputs; lane += kVectorFloats) {
      const auto step = StepOf(SpanOf(values, lane));
      hn::Store(hn::Max(step, hn::Load(d, largest + lane)), d, largest + lane);
    }
  }
  for (size_t o = 0; o < kPanelOutputs; ++o) {
    if (largest[o] / kLargestScale > 0) row_scales[o] = largest[o] / kLargestScale;
  }
}

constexpr size_t kBlockPairs = kBlockInputs / 2;

// 16 pairs of the panel, from inputs `first` to first + 31 of its outputs.
void PutPairs(const ConstRows& rows, size_t first, std::byte* pairs) {
  HWY_ALIGN_MAX uint16_t values[kPanelOutputs][kBlockInputs] = {};
  const size_t inputs = std::min(kBlockInputs, rows.cols - first);
  for (size_t o = 0; o < rows.rows; ++o) {
    float padded[kBlockInputs] = {};
    std::memcpy(padded, rows.data + o * rows.cols + first, inputs * sizeof(float));
    RoundToBf16<kBlockInputs>(padded, values[o]);
  }
  for (size_t pair = 0; pair < kBlockPairs; ++pair) {
    for (size_t o = 0; o < kPanelOutputs; ++o) {
      std::memcpy(pairs + pair * kPairBytes + o * 2 * sizeof(uint16_t), &values[o][2 * pair],
                  2 * sizeof(uint16_t));
    }
  }
}

void PackPairs(const ConstRows& rows, std::byte* panel) {
  for (size_t first = 0; first < rows.cols; first += kBlockInputs) {
    PutPairs(rows, first, panel + first / 2 * kPairBytes);
  }
}

void PackPanelOf(DType dtype, const ConstRows& rows, std::byte* panel) {
  if (dtype == DType::kPackedBf16) return PackPairs(rows, panel);
  const FloatTag d;
  const size_t blocks = GroupCount(rows.cols) * kGroupBlocks;
  HWY_ALIGN_MAX float row_scales[kPanelOutputs];
  ChooseRowScales(dtype, rows, blocks, row_scales);
  std::memcpy(panel, row_scales, kRowScaleBytes);
  for (size_t block = 0; block < blocks; ++block) {
    Block values;
    ReadBlock(rows, block, values);
    std::byte* group = panel + kRowScaleBytes + block / kGroupBlocks * PackedGroupBytes(dtype);
    for (size_t lane = 0; lane < kPanelOutputs; lane += kVectorFloats) {
      for (size_t i = 0; i < kBlockInputs; ++i) {
        const auto divided = hn::Div(At(values, i, lane), hn::Load(d, row_scales + lane));
        hn::Store(divided, d, values.at[i] + lane);
      }
      if (dtype == DType::kQ4) {
        PutQ4(values, lane, block % kGroupBlocks, group);
      } else {
        PutQ8(values, lane, block % kGroupBlocks, group);
      }
    }
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(PackPanelOf);

}  // namespace

void PackPanel(DType dtype, const ConstRows& rows, std::span<std::byte> panel) {
  CHECK(IsPacked(dtype) && rows.rows >= 1 && rows.rows <= kPanelOutputs);
  CHECK(panel.size() == PackedPanelBytes(dtype, rows.cols));
  std::fill(panel.begin(), panel.end(), std::byte{0});  // q4's halves are put in one by one
  HWY_DYNAMIC_DISPATCH(PackPanelOf)(dtype, rows, panel.data());
}

}  // namespace windrose
#endif  // HWY_ONCE
