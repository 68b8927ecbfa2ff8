// The packed weight formats q8, q4 and pbf16: how a matrix is laid out for the kernels.
//
//   matrix = panel{ceil(outputs / 16)}       16 outputs, all inputs; what is missing is zeros
//
// q8 and q4:
//   group  = 128 inputs, of four blocks of 32
//   q8: panel  = row_scale (header block{4}){ceil(inputs / 128)}
//       header = u8 scale_code[4][16]        [block][output]
//       block  = 8 chunks of 64 bytes; byte 4 o + i of chunk c holds, of output o, input 4 c + i
//   q4: panel  = row_scale scales (header block{4}){ceil(inputs / 128)}
//       scales = u8 scale_code[ceil(inputs / 128)][16], filled up to a multiple of 64 bytes
//       header = u8 level[4][16]             [block][output]
//       block  = 4 chunks of 64 bytes; byte 4 o + i of chunk c holds, of output o, input
//                8 c + i in its low and input 8 c + 4 + i in its high half
//   row_scale = f32[16]                      one per output of the panel
//
// pbf16:
//   panel  = pair{16 ceil(inputs / 32)}      ascending
//   pair   = bf16 weight[16][2]              [output][input]: inputs 2 p and 2 p + 1 side by side
//
// What a weight is worth:
//   q8 and q4: row_scale * 2^(code / 16 - 15) * (1 + code % 16 / 16) * byte
//     q8: byte = q - 128, q in [1, 255]
//     q4: byte = factor * q - factor * (8 + level / 16) / 2, rounded down at each division;
//         factor = level % 16, q in [0, 15]; always in [-128, 127]
//   pbf16: itself
//
// All numbers little-endian. 8.25, 4.3125 and 16 bits per weight. Sixteen outputs stand side by
// side because the kernels give each a lane of its own, so that nothing is summed across lanes;
// four inputs stand together because the processors' byte products sum four, and two of bf16
// because those products sum two. Sixteen pairs are, as they lie, what a tile of a matrix unit
// (AMX) takes, hence the 32 inputs. A block of q4 has a step and a zero point of its own, but the
// step is a whole number of its group's: so its weights are bytes on one scale for 128 inputs, and
// a product needs no scaling in between.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/tensor/dtype.h"

namespace windrose {

constexpr size_t kPanelOutputs = 16;
constexpr size_t kBlockInputs = 32;
constexpr size_t kGroupInputs = 128;
constexpr size_t kGroupBlocks = kGroupInputs / kBlockInputs;
constexpr size_t kPackedAlignment = 64;  // of panels within a matrix that is aligned itself

constexpr size_t kRowScaleBytes = kPanelOutputs * sizeof(float);
constexpr size_t kGroupHeaderBytes = kGroupBlocks * kPanelOutputs;

constexpr size_t GroupCount(size_t inputs) { return (inputs + kGroupInputs - 1) / kGroupInputs; }
constexpr size_t PanelCount(size_t outputs) {
  return (outputs + kPanelOutputs - 1) / kPanelOutputs;
}

// Of q8 and q4.
constexpr size_t PackedBlockBytes(DType dtype) {
  const size_t weights = kPanelOutputs * kBlockInputs;
  return dtype == DType::kQ4 ? weights / 2 : weights;
}
constexpr size_t PackedGroupBytes(DType dtype) {
  return kGroupHeaderBytes + kGroupBlocks * PackedBlockBytes(dtype);
}
// Where a panel's first group begins.
constexpr size_t PackedGroupsOffset(DType dtype, size_t inputs) {
  if (dtype == DType::kQ8) return kRowScaleBytes;
  const size_t scale_bytes = GroupCount(inputs) * kPanelOutputs;
  return kRowScaleBytes +
         (scale_bytes + kPackedAlignment - 1) / kPackedAlignment * kPackedAlignment;
}

// Of pbf16.
constexpr size_t kPairBytes = 2 * kPanelOutputs * sizeof(uint16_t);
constexpr size_t PairCount(size_t inputs) {
  return (inputs + kBlockInputs - 1) / kBlockInputs * (kBlockInputs / 2);
}

constexpr size_t PackedPanelBytes(DType dtype, size_t inputs) {
  if (dtype == DType::kPackedBf16) return PairCount(inputs) * kPairBytes;
  return PackedGroupsOffset(dtype, inputs) + GroupCount(inputs) * PackedGroupBytes(dtype);
}
constexpr size_t PackedMatrixBytes(DType dtype, size_t outputs, size_t inputs) {
  return PanelCount(outputs) * PackedPanelBytes(dtype, inputs);
}

// What a level of q4 stands for.
struct Q4Level {
  int32_t factor;
  int32_t offset;
};
constexpr int32_t kQ4LowestZero = 8;  // half steps of q
constexpr Q4Level Q4LevelOf(uint8_t level) {
  const int32_t factor = level % 16;
  return {factor, factor * (kQ4LowestZero + level / 16) / 2};
}

}  // namespace windrose
