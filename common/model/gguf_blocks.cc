#include "common/model/gguf_blocks.h"

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "common/tensor/convert.h"
#include "common/tensor/view.h"

namespace windrose {
namespace {

constexpr GgufFormat Format(uint32_t type, std::string_view name, uint32_t values, uint32_t bytes) {
  return {GgufTensorType{type}, name, values, bytes};
}

// In the order of their numbers; gaps are formats that were withdrawn.
constexpr std::array kFormats = {
    Format(0, "F32", 1, 4),         Format(1, "F16", 1, 2),         Format(2, "Q4_0", 32, 18),
    Format(3, "Q4_1", 32, 20),      Format(6, "Q5_0", 32, 22),      Format(7, "Q5_1", 32, 24),
    Format(8, "Q8_0", 32, 34),      Format(9, "Q8_1", 32, 36),      Format(10, "Q2_K", 256, 84),
    Format(11, "Q3_K", 256, 110),   Format(12, "Q4_K", 256, 144),   Format(13, "Q5_K", 256, 176),
    Format(14, "Q6_K", 256, 210),   Format(15, "Q8_K", 256, 292),   Format(16, "IQ2_XXS", 256, 66),
    Format(17, "IQ2_XS", 256, 74),  Format(18, "IQ3_XXS", 256, 98), Format(19, "IQ1_S", 256, 50),
    Format(20, "IQ4_NL", 32, 18),   Format(21, "IQ3_S", 256, 110),  Format(22, "IQ2_S", 256, 82),
    Format(23, "IQ4_XS", 256, 136), Format(24, "I8", 1, 1),         Format(25, "I16", 1, 2),
    Format(26, "I32", 1, 4),        Format(27, "I64", 1, 8),        Format(28, "F64", 1, 8),
    Format(29, "IQ1_M", 256, 56),   Format(30, "BF16", 1, 2),       Format(34, "TQ1_0", 256, 54),
    Format(35, "TQ2_0", 256, 66),   Format(39, "MXFP4", 32, 17),    Format(40, "NVFP4", 64, 36),
    Format(41, "Q1_0", 128, 18)};

constexpr size_t kGroup = 32;    // numbers that share a scale in Q4_K and Q5_K
constexpr uint32_t kGroups = 8;  // of them in a block

uint32_t Byte(const std::byte* at) { return std::to_integer<uint32_t>(*at); }

float Signed(const std::byte* at) { return static_cast<float>(static_cast<int8_t>(Byte(at))); }

float Half(const std::byte* at) {
  return F32FromF16(static_cast<uint16_t>(Byte(at) | Byte(at + 1) << 8));
}

// Calls decode(block, numbers) for each block of a row.
template <typename Decode>
void ForEachBlock(GgufTensorType type, std::span<const std::byte> blocks, std::span<float> out,
                  const Decode& decode) {
  const GgufFormat& format = *FormatOf(type);
  const size_t count = blocks.size() / format.block_bytes;
  CHECK(blocks.size() == count * format.block_bytes && out.size() == count * format.block_values);
  for (size_t i = 0; i < count; ++i) {
    decode(blocks.data() + i * format.block_bytes, out.data() + i * format.block_values);
  }
}

struct ScaleAndMinimum {
  float scale;
  float minimum;
};

// Of group `group`, 6 bits each, in the 12 bytes of Q4_K and Q5_K. Byte g holds the scale of group
// g and byte 4 + g its minimum in the low 6 bits, for the first four groups. Byte 8 + g holds the
// low nibbles of scale and minimum of group 4 + g, whose top two bits are those of bytes g, 4 + g.
ScaleAndMinimum ScaleOf(const std::byte* scales, size_t group) {
  if (group < 4) {
    return {static_cast<float>(Byte(scales + group) & 0x3F),
            static_cast<float>(Byte(scales + 4 + group) & 0x3F)};
  }
  const uint32_t low = Byte(scales + 4 + group);
  return {static_cast<float>((low & 0xF) | Byte(scales + group - 4) >> 6 << 4),
          static_cast<float>(low >> 4 | Byte(scales + group) >> 6 << 4)};
}

// Number i of groups 2p and 2p + 1 is the low and the high nibble of byte 32p + i.
void DecodeBlockQ4K(const std::byte* block, float* out) {
  const float d = Half(block);
  const float m = Half(block + 2);
  for (uint32_t group = 0; group < kGroups; ++group) {
    const auto [scale, minimum] = ScaleOf(block + 4, group);
    const float step = d * scale;
    const float offset = m * minimum;
    const std::byte* nibbles = block + 16 + group / 2 * kGroup;
    const uint32_t shift = group % 2 * 4;
    for (size_t i = 0; i < kGroup; ++i) {
      out[group * kGroup + i] =
          step * static_cast<float>(Byte(nibbles + i) >> shift & 0xF) - offset;
    }
  }
}

// As Q4_K; bit g of byte i of h is the fifth bit of number i of group g.
void DecodeBlockQ5K(const std::byte* block, float* out) {
  const float d = Half(block);
  const float m = Half(block + 2);
  const std::byte* high = block + 16;
  for (uint32_t group = 0; group < kGroups; ++group) {
    const auto [scale, minimum] = ScaleOf(block + 4, group);
    const float step = d * scale;
    const float offset = m * minimum;
    const std::byte* nibbles = block + 48 + group / 2 * kGroup;
    const uint32_t shift = group % 2 * 4;
    for (size_t i = 0; i < kGroup; ++i) {
      const uint32_t q = (Byte(nibbles + i) >> shift & 0xF) | (Byte(high + i) >> group & 1) << 4;
      out[group * kGroup + i] = step * static_cast<float>(q) - offset;
    }
  }
}

// Two halves of 128 numbers, four groups of 32 each. In a half, number i of groups 0 and 2 is the
// low and the high nibble of byte i of q, of groups 1 and 3 of byte 32 + i; bits 2g and 2g + 1 of
// byte i of h are the top bits of number i of group g.
void DecodeBlockQ6K(const std::byte* block, float* out) {
  const float d = Half(block + 208);
  for (uint32_t group = 0; group < kGroups; ++group) {
    const uint32_t half = group / 4;
    const uint32_t in_half = group % 4;
    const std::byte* nibbles = block + half * 64 + in_half % 2 * kGroup;
    const std::byte* high = block + 128 + half * kGroup;
    const std::byte* scales = block + 192 + group * 2;
    const uint32_t shift = in_half / 2 * 4;
    const uint32_t high_shift = in_half * 2;
    const float steps[2] = {d * Signed(scales), d * Signed(scales + 1)};
    for (size_t i = 0; i < kGroup; ++i) {
      const uint32_t q = (Byte(nibbles + i) >> shift & 0xF) | (Byte(high + i) >> high_shift & 3)
                                                                  << 4;
      out[group * kGroup + i] = steps[i / 16] * (static_cast<float>(q) - 32.0F);
    }
  }
}

// Number i is the low nibble of byte i, number 16 + i its high nibble.
void DecodeBlockQ40(const std::byte* block, float* out) {
  const float d = Half(block);
  for (size_t i = 0; i < 16; ++i) {
    const uint32_t pair = Byte(block + 2 + i);
    out[i] = d * (static_cast<float>(pair & 0xF) - 8.0F);
    out[16 + i] = d * (static_cast<float>(pair >> 4) - 8.0F);
  }
}

void DecodeBlockQ80(const std::byte* block, float* out) {
  const float d = Half(block);
  for (size_t i = 0; i < 32; ++i) out[i] = d * Signed(block + 2 + i);
}

}  // namespace

const GgufFormat* FormatOf(GgufTensorType type) {
  const auto* found =
      std::lower_bound(kFormats.begin(), kFormats.end(), type,
                       [](const GgufFormat& format, GgufTensorType t) { return format.type < t; });
  return found != kFormats.end() && found->type == type ? found : nullptr;
}

bool CanDecode(GgufTensorType type) {
  switch (type) {
    case GgufTensorType::kF32:
    case GgufTensorType::kF16:
    case GgufTensorType::kQ40:
    case GgufTensorType::kQ80:
    case GgufTensorType::kQ4K:
    case GgufTensorType::kQ5K:
    case GgufTensorType::kQ6K:
    case GgufTensorType::kBf16:
      return true;
  }
  return false;
}

void DecodeQ40(std::span<const std::byte> blocks, std::span<float> out) {
  ForEachBlock(GgufTensorType::kQ40, blocks, out, DecodeBlockQ40);
}

void DecodeQ80(std::span<const std::byte> blocks, std::span<float> out) {
  ForEachBlock(GgufTensorType::kQ80, blocks, out, DecodeBlockQ80);
}

void DecodeQ4K(std::span<const std::byte> blocks, std::span<float> out) {
  ForEachBlock(GgufTensorType::kQ4K, blocks, out, DecodeBlockQ4K);
}

void DecodeQ5K(std::span<const std::byte> blocks, std::span<float> out) {
  ForEachBlock(GgufTensorType::kQ5K, blocks, out, DecodeBlockQ5K);
}

void DecodeQ6K(std::span<const std::byte> blocks, std::span<float> out) {
  ForEachBlock(GgufTensorType::kQ6K, blocks, out, DecodeBlockQ6K);
}

void DecodeBlocks(GgufTensorType type, std::span<const std::byte> blocks, std::span<float> out) {
  const auto plain = [&](DType dtype) {
    CHECK(blocks.size() == out.size() * SizeOf(dtype));
    ReadWeightRow({.dtype = dtype, .data = blocks.data(), .rows = 1, .cols = out.size()}, 0, out);
  };
  switch (type) {
    case GgufTensorType::kF32:
      return plain(DType::kF32);
    case GgufTensorType::kF16:
      return plain(DType::kF16);
    case GgufTensorType::kBf16:
      return plain(DType::kBf16);
    case GgufTensorType::kQ40:
      return DecodeQ40(blocks, out);
    case GgufTensorType::kQ80:
      return DecodeQ80(blocks, out);
    case GgufTensorType::kQ4K:
      return DecodeQ4K(blocks, out);
    case GgufTensorType::kQ5K:
      return DecodeQ5K(blocks, out);
    case GgufTensorType::kQ6K:
      return DecodeQ6K(blocks, out);
  }
  CHECK(CanDecode(type));
}

}  // namespace windrose
