// The packed weight formats q8, q4 and pbf16: how a matrix is laid out for the kernels.
//
//   matrix = panel{ceil(outputs / 16)}       16 outputs, all inputs; what is missing is zeros
//
// q8 and q4:
//   panel  = row_scale group{ceil(inputs / 64)}
//   row_scale = f32[16]                      one per output of the panel
//   group  = header block block              64 inputs; a block is 32 with a scale of their own
//   q4: header = u8 scale_code[2][16]  u8 zero_code[2][16]      [block][output]
//       block  = 4 chunks of 64 bytes; byte 4 o + i of chunk c holds, of output o, input
//                8 c + i in its low and input 8 c + 4 + i in its high half
//   q8: header = bf16 scale[2][16]                              [block][output]
//       block  = 8 chunks of 64 bytes; byte 4 o + i of chunk c holds, of output o, input 4 c + i
//
// pbf16:
//   panel  = pair{16 ceil(inputs / 32)}      ascending
//   pair   = bf16 weight[16][2]              [output][input]: inputs 2 p and 2 p + 1 side by side
//
// What a weight is worth:
//   q4: row_scale * 2^(code / 16 - 15) * (1 + code % 16 / 16) * (q - zero_code / 8),
//       q in [0, 15], zero_code in [0, 127]
//   q8: row_scale * scale * (q - 128), q in [1, 255]
//   pbf16: itself
//
// All numbers little-endian. 4.5, 8.5 and 16 bits per weight. Sixteen outputs stand side by side
// because the kernels give each a lane of its own, so that nothing is summed across lanes; four
// inputs stand together because the processors' byte products sum four, and two of bf16 because
// those products sum two. Sixteen pairs are, as they lie, what a tile of a matrix unit (AMX) takes,
// hence the 32 inputs. A zero point counts eighths because 8 q - zero_code then fits a byte.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/tensor/dtype.h"

namespace windrose {

constexpr size_t kPanelOutputs = 16;
constexpr size_t kBlockInputs = 32;
constexpr size_t kGroupInputs = 64;
constexpr size_t kGroupBlocks = kGroupInputs / kBlockInputs;
constexpr size_t kPackedAlignment = 64;  // of panels within a matrix that is aligned itself

constexpr size_t kRowScaleBytes = kPanelOutputs * sizeof(float);
constexpr size_t kGroupHeaderBytes = 64;
constexpr float kZeroSteps = 8;  // of q4's zero points, in a step of q
constexpr float kHighestZeroCode = 127;

// Of q8 and q4.
constexpr size_t PackedBlockBytes(DType dtype) {
  const size_t weights = kPanelOutputs * kBlockInputs;
  return dtype == DType::kQ4 ? weights / 2 : weights;
}
constexpr size_t PackedGroupBytes(DType dtype) {
  return kGroupHeaderBytes + kGroupBlocks * PackedBlockBytes(dtype);
}

// Of pbf16.
constexpr size_t kPairBytes = 2 * kPanelOutputs * sizeof(uint16_t);
constexpr size_t PairCount(size_t inputs) {
  return (inputs + kBlockInputs - 1) / kBlockInputs * (kBlockInputs / 2);
}

constexpr size_t GroupCount(size_t inputs) { return (inputs + kGroupInputs - 1) / kGroupInputs; }
constexpr size_t PanelCount(size_t outputs) {
  return (outputs + kPanelOutputs - 1) / kPanelOutputs;
}
constexpr size_t PackedPanelBytes(DType dtype, size_t inputs) {
  if (dtype == DType::kPackedBf16) return PairCount(inputs) * kPairBytes;
  return kRowScaleBytes + GroupCount(inputs) * PackedGroupBytes(dtype);
}
constexpr size_t PackedMatrixBytes(DType dtype, size_t outputs, size_t inputs) {
  return PanelCount(outputs) * PackedPanelBytes(dtype, inputs);
}

}  // namespace windrose
