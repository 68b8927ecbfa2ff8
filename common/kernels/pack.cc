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
#include "common/kernels/byte_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

constexpr float kHighestQ4 = 15.0F;
constexpr float kHighestFactor = 15.0F;
constexpr float kLowestZero = 0.5F * kQ4LowestZero;
constexpr float kHighestZero = 0.5F * (kQ4LowestZero + 15);
constexpr float kLowestByte = -128.0F;
constexpr float kHighestByte = 127.0F;
constexpr float kLargestScale = 1.9375F;
// Steps of a block are tried from one above the least that holds all its weights downwards: a
// smaller one rounds most weights better and clips a few. Each is tried with refitted zero points.
constexpr int kStepsTried = 7;
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

// The lowest code whose scale is at least `scale`, 255 when there is none.
HWY_INLINE IntVector CodeFor(FloatVector scale) {
  const IntTag di;
  const auto above = hn::Sub(hn::BitCast(di, scale), hn::Set(di, kScaleBase));
  const auto code = hn::ShiftRight<19>(hn::Add(above, hn::Set(di, (1 << 19) - 1)));
  return hn::Min(hn::Max(code, hn::Zero(di)), hn::Set(di, 255));
}

HWY_INLINE FloatVector Clamp(FloatVector value, FloatVector low, FloatVector high) {
  return hn::Min(hn::Max(value, low), high);
}
HWY_INLINE FloatVector Clamp(FloatVector value, float low, float high) {
  const FloatTag d;
  return Clamp(value, hn::Set(d, low), hn::Set(d, high));
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

// The least step that holds all of it, given where zero may lie among the sixteen.
HWY_INLINE FloatVector StepOf(const Span& span) {
  const FloatTag d;
  const auto symmetric = hn::Div(hn::Sub(span.high, span.low), hn::Set(d, kHighestQ4));
  const auto upwards = hn::Div(span.high, hn::Set(d, kHighestQ4 - kLowestZero));
  const auto downwards = hn::Div(hn::Neg(span.low), hn::Set(d, kHighestZero));
  return hn::Max(symmetric, hn::Max(upwards, downwards));
}

// The least scale with which a block's weights can be written.
HWY_INLINE FloatVector LeastScale(DType dtype, const Span& span) {
  const FloatTag d;
  const auto largest = hn::Max(hn::Neg(span.low), span.high);
  const auto as_bytes = hn::Div(largest, hn::Set(d, kHighestByte));
  if (dtype == DType::kQ8) return as_bytes;
  return hn::Max(as_bytes, hn::Div(StepOf(span), hn::Set(d, kHighestFactor)));
}

// One way to write a block of q4, for each lane.
struct Choice {
  FloatVector factor;
  FloatVector zero_code;
  FloatVector error;  // sum of squared differences
};

HWY_INLINE FloatVector OffsetOf(const Choice& choice) {
  const FloatTag d;
  const auto zero = hn::Add(choice.zero_code, hn::Set(d, 2 * kLowestZero));
  return hn::Floor(hn::Mul(hn::Mul(choice.factor, zero), hn::Set(d, 0.5F)));
}

// To what a level can say.
HWY_INLINE FloatVector CodeOfZero(FloatVector zero) {
  const FloatTag d;
  const auto half_steps = hn::Round(hn::Mul(zero, hn::Set(d, 2.0F)));
  const auto code = hn::Sub(half_steps, hn::Set(d, 2 * kLowestZero));
  return Clamp(code, 0.0F, 15.0F);
}

// How a choice turns weights into q.
struct Rounding {
  FloatVector inverse;  // of the step
  FloatVector zero;
  FloatVector lowest;  // what q may be for the weight to fit a byte
  FloatVector highest;
};

HWY_INLINE Rounding RoundingOf(FloatVector scale, const Choice& choice) {
  const FloatTag d;
  const auto offset = OffsetOf(choice);
  const auto lowest = hn::Ceil(hn::Div(hn::Add(offset, hn::Set(d, kLowestByte)), choice.factor));
  const auto highest = hn::Floor(hn::Div(hn::Add(offset, hn::Set(d, kHighestByte)), choice.factor));
  return {hn::Div(hn::Set(d, 1.0F), hn::Mul(scale, choice.factor)), hn::Div(offset, choice.factor),
          hn::Max(lowest, hn::Zero(d)), hn::Min(highest, hn::Set(d, kHighestQ4))};
}

HWY_INLINE FloatVector RoundQ4(FloatVector steps, const Rounding& rounding) {
  return Clamp(hn::Round(hn::Add(steps, rounding.zero)), rounding.lowest, rounding.highest);
}

// The error that `choice` leaves; returns the zero point that would fit its rounding best, the mean
// of q - value / step.
HWY_INLINE FloatVector Judge(const Block& values, size_t lane, FloatVector scale, Choice& choice) {
  const FloatTag d;
  const Rounding rounding = RoundingOf(scale, choice);
  auto error = hn::Zero(d);
  auto sum = hn::Zero(d);
  for (size_t i = 0; i < kBlockInputs; ++i) {
    const auto steps = hn::Mul(At(values, i, lane), rounding.inverse);
    const auto offset = hn::Sub(RoundQ4(steps, rounding), steps);
    const auto difference = hn::Sub(offset, rounding.zero);
    sum = hn::Add(sum, offset);
    error = hn::Add(error, hn::Mul(difference, difference));
  }
  const auto step = hn::Mul(scale, choice.factor);
  choice.error = hn::Mul(error, hn::Mul(step, step));
  return hn::Mul(sum, hn::Set(d, 1.0F / kBlockInputs));
}

HWY_INLINE void KeepBetter(const Choice& choice, Choice& best) {
  const auto better = hn::Lt(choice.error, best.error);
  best.error = hn::IfThenElse(better, choice.error, best.error);
  best.factor = hn::IfThenElse(better, choice.factor, best.factor);
  best.zero_code = hn::IfThenElse(better, choice.zero_code, best.zero_code);
}

// The best way found for the lanes from `lane` on, with the group's scale.
HWY_INLINE Choice ChooseQ4(const Block& values, size_t lane, FloatVector scale) {
  const FloatTag d;
  const Span span = SpanOf(values, lane);
  const auto middle = hn::Mul(hn::Add(span.low, span.high), hn::Set(d, 0.5F));
  const auto widest = hn::Add(hn::Ceil(hn::Div(StepOf(span), scale)), hn::Set(d, 1.0F));
  Choice best{hn::Set(d, 1.0F), hn::Zero(d), hn::Set(d, std::numeric_limits<float>::infinity())};
  for (int tried = 0; tried < kStepsTried; ++tried) {
    Choice choice = best;
    const auto factor = hn::Sub(widest, hn::Set(d, static_cast<float>(tried)));
    choice.factor = Clamp(factor, 1.0F, kHighestFactor);
    // A step that is too small clips both ends alike.
    const auto centre = hn::Div(middle, hn::Mul(scale, choice.factor));
    choice.zero_code = CodeOfZero(hn::Sub(hn::Set(d, kHighestQ4 / 2), centre));
    for (int refit = 0; refit < kZerosTried; ++refit) {
      const auto fitting = Judge(values, lane, scale, choice);
      KeepBetter(choice, best);
      choice.zero_code = CodeOfZero(fitting);
    }
  }
  return best;
}

// Stores the low byte of each lane.
HWY_INLINE void StoreBytes(FloatVector whole, std::byte* to) {
  const hn::Rebind<uint8_t, FloatTag> bytes;
  hn::StoreU(hn::DemoteTo(bytes, hn::NearestInt(whole)), bytes, reinterpret_cast<uint8_t*>(to));
}

// Levels and weights of one block. `level`: of the lane's output; `data`: the block.
void PutQ4(const Block& values, size_t lane, FloatVector scale, std::byte* level, std::byte* data) {
  const FloatTag d;
  const Choice choice = ChooseQ4(values, lane, scale);
  StoreBytes(hn::Add(choice.factor, hn::Mul(choice.zero_code, hn::Set(d, 16.0F))), level);
  const Rounding rounding = RoundingOf(scale, choice);
  for (size_t input = 0; input < kBlockInputs; ++input) {
    std::byte q[kVectorFloats];
    StoreBytes(RoundQ4(hn::Mul(At(values, input, lane), rounding.inverse), rounding), q);
    for (size_t o = 0; o < kVectorFloats; ++o) {
      data[input / 8 * 64 + (lane + o) * 4 + input % 4] |= q[o] << (input % 8 < 4 ? 0 : 4);
    }
  }
}

void PutQ8(const Block& values, size_t lane, FloatVector scale, std::byte* data) {
  const FloatTag d;
  for (size_t input = 0; input < kBlockInputs; ++input) {
    const auto rounded = hn::Round(hn::Div(At(values, input, lane), scale));
    std::byte q[kVectorFloats];
    StoreBytes(hn::Add(Clamp(rounded, -kHighestByte, kHighestByte), hn::Set(d, 128.0F)), q);
    for (size_t o = 0; o < kVectorFloats; ++o) {
      data[input / 4 * 64 + (lane + o) * 4 + input % 4] = q[o];
    }
  }
}

// The largest scale that a block of the panel wants becomes the largest that a code can say.
void ChooseRowScales(DType dtype, const ConstRows& rows, size_t blocks, float* row_scales) {
  const FloatTag d;
  HWY_ALIGN_MAX float largest[kPanelOutputs] = {};
  for (size_t block = 0; block < blocks; ++block) {
    Block values;
    ReadBlock(rows, block, values);
    for (size_t lane = 0; lane < kPanelOutputs; lane += kVectorFloats) {
      const auto scale = LeastScale(dtype, SpanOf(values, lane));
      hn::Store(hn::Max(scale, hn::Load(d, largest + lane)), d, largest + lane);
    }
  }
  for (size_t o = 0; o < kPanelOutputs; ++o) {
    const float row_scale = largest[o] / kLargestScale;
    row_scales[o] = row_scale > 0 ? row_scale : 1.0F;
  }
}

// A group's weights, divided by the scales of their rows.
struct GroupValues {
  Block block[kGroupBlocks];
};

void ReadGroup(const ConstRows& rows, size_t group, const float* row_scales, GroupValues& values) {
  const FloatTag d;
  for (size_t b = 0; b < kGroupBlocks; ++b) {
    Block& block = values.block[b];
    ReadBlock(rows, group * kGroupBlocks + b, block);
    for (size_t i = 0; i < kBlockInputs; ++i) {
      for (size_t lane = 0; lane < kPanelOutputs; lane += kVectorFloats) {
        const auto divided = hn::Div(At(block, i, lane), hn::Load(d, row_scales + lane));
        hn::Store(divided, d, block.at[i] + lane);
      }
    }
  }
}

// `scales`: of the group, 16 codes; `group`: its levels and blocks.
void PackQ4Group(const GroupValues& values, std::byte* scales, std::byte* group) {
  const FloatTag d;
  for (size_t lane = 0; lane < kPanelOutputs; lane += kVectorFloats) {
    auto least = hn::Zero(d);
    for (const Block& block : values.block) {
      least = hn::Max(least, LeastScale(DType::kQ4, SpanOf(block, lane)));
    }
    const auto code = CodeFor(least);
    StoreBytes(hn::ConvertTo(d, code), scales + lane);
    for (size_t b = 0; b < kGroupBlocks; ++b) {
      PutQ4(values.block[b], lane, ScalesOfCodes(code), group + b * kPanelOutputs + lane,
            group + kGroupHeaderBytes + b * PackedBlockBytes(DType::kQ4));
    }
  }
}

// `group`: its scales and blocks.
void PackQ8Group(const GroupValues& values, std::byte* group) {
  const FloatTag d;
  for (size_t lane = 0; lane < kPanelOutputs; lane += kVectorFloats) {
    for (size_t b = 0; b < kGroupBlocks; ++b) {
      const auto code = CodeFor(LeastScale(DType::kQ8, SpanOf(values.block[b], lane)));
      StoreBytes(hn::ConvertTo(d, code), group + b * kPanelOutputs + lane);
      PutQ8(values.block[b], lane, ScalesOfCodes(code),
            group + kGroupHeaderBytes + b * PackedBlockBytes(DType::kQ8));
    }
  }
}

void PackGroups(DType dtype, const ConstRows& rows, std::byte* panel) {
  const size_t groups = GroupCount(rows.cols);
  HWY_ALIGN_MAX float row_scales[kPanelOutputs];
  ChooseRowScales(dtype, rows, groups * kGroupBlocks, row_scales);
  std::memcpy(panel, row_scales, kRowScaleBytes);
  std::byte* to = panel + PackedGroupsOffset(dtype, rows.cols);
  for (size_t group = 0; group < groups; ++group, to += PackedGroupBytes(dtype)) {
    GroupValues values;
    ReadGroup(rows, group, row_scales, values);
    if (dtype == DType::kQ4) {
      PackQ4Group(values, panel + kRowScaleBytes + group * kPanelOutputs, to);
    } else {
      PackQ8Group(values, to);
    }
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
  PackGroups(dtype, rows, panel);
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
