#include "common/tensor/packed_matrix.h"

#include <bit>
#include <cstring>

#include "common/tensor/convert.h"

namespace windrose {
namespace {

const std::byte* PanelOf(const WeightView& weight, size_t row) {
  return weight.data + row / kPanelOutputs * PackedPanelBytes(weight.dtype, weight.cols);
}

uint8_t ByteAt(const std::byte* from) { return std::to_integer<uint8_t>(*from); }

void ReadQ4(const std::byte* data, size_t output, uint8_t level, PackedBlock& block) {
  const Q4Level stands_for = Q4LevelOf(level);
  for (size_t input = 0; input < kBlockInputs; ++input) {
    const uint8_t both = ByteAt(data + input / 8 * 64 + output * 4 + input % 4);
    const int32_t q = input % 8 < 4 ? both & 15 : both >> 4;
    block.byte[input] = static_cast<int8_t>(stands_for.factor * q - stands_for.offset);
  }
}

void ReadQ8(const std::byte* data, size_t output, PackedBlock& block) {
  for (size_t input = 0; input < kBlockInputs; ++input) {
    const int32_t q = ByteAt(data + input / 4 * 64 + output * 4 + input % 4);
    block.byte[input] = static_cast<int8_t>(q - 128);
  }
}

void ReadPairs(const WeightView& weight, size_t row, std::span<float> out) {
  const std::byte* pair = PanelOf(weight, row) + row % kPanelOutputs * 2 * sizeof(uint16_t);
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, pair + i / 2 * kPairBytes + i % 2 * sizeof(bits), sizeof(bits));
    out[i] = F32FromBf16(bits);
  }
}

}  // namespace

float ScaleOfCode(uint8_t code) {
  constexpr uint32_t kLowestExponent = 127 - 15;
  return std::bit_cast<float>((kLowestExponent << 23) + (uint32_t{code} << 19));
}

PackedBlock ReadPackedBlock(const WeightView& weight, size_t row, size_t block) {
  DCHECK(IsQuantized(weight.dtype) && row < weight.rows);
  const size_t output = row % kPanelOutputs;
  const size_t group = block / kGroupBlocks;
  const size_t within = block % kGroupBlocks;
  const std::byte* panel = PanelOf(weight, row);
  const std::byte* header = panel + PackedGroupsOffset(weight.dtype, weight.cols) +
                            group * PackedGroupBytes(weight.dtype);
  const std::byte* data = header + kGroupHeaderBytes + within * PackedBlockBytes(weight.dtype);
  const uint8_t own = ByteAt(header + within * kPanelOutputs + output);
  PackedBlock read;
  if (weight.dtype == DType::kQ4) {
    read.scale = ScaleOfCode(ByteAt(panel + kRowScaleBytes + group * kPanelOutputs + output));
    ReadQ4(data, output, own, read);
  } else {
    read.scale = ScaleOfCode(own);
    ReadQ8(data, output, read);
  }
  return read;
}

float ReadRowScale(const WeightView& weight, size_t row) {
  float scale = 0;
  std::memcpy(&scale, PanelOf(weight, row) + row % kPanelOutputs * sizeof(float), sizeof(scale));
  return scale;
}

void ReadPackedRow(const WeightView& weight, size_t row, std::span<float> out) {
  DCHECK(IsPacked(weight.dtype) && row < weight.rows && out.size() == weight.cols);
  if (weight.dtype == DType::kPackedBf16) return ReadPairs(weight, row, out);
  const float row_scale = ReadRowScale(weight, row);
  for (size_t first = 0; first < out.size(); first += kBlockInputs) {
    const PackedBlock block = ReadPackedBlock(weight, row, first / kBlockInputs);
    for (size_t i = 0; i < kBlockInputs && first + i < out.size(); ++i) {
      out[first + i] = row_scale * block.scale * static_cast<float>(block.byte[i]);
    }
  }
}

}  // namespace windrose
