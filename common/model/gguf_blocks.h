// The formats of numbers in GGUF files, and the decoding of those a Mixtral is published in.
//
// A row is a sequence of blocks; a block is a few numbers with scales of their own. Little-endian:
//
//   F32, F16, BF16 = one number
//   Q8_0 =  32 numbers: f16 d  i8 q{32}                      number i: d * q[i]
//   Q4_0 =  32 numbers: f16 d  u8 q{16}                      number i: d * (nibble i - 8)
//   Q4_K = 256 numbers: f16 d  f16 m  u8 s{12}  u8 q{128}    number i of group g (32 numbers each):
//   Q5_K = 256 numbers: f16 d  f16 m  u8 s{12}  u8 h{32}  u8 q{128}   d * scale g * q - m * min g
//   Q6_K = 256 numbers: u8 q{128}  u8 h{64}  i8 s{16}  f16 d          d * s * (q - 32), s per 16
//
// In which nibbles and bits the numbers, scales and minima lie stands at each decoder. Decoding
// multiplies in f32 in the order written above and equals the reference implementation in every
// bit. Scales may be infinite or NaN in a bad file; so are the numbers then. Thread-safe (pure
// functions).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace windrose {

// The file's own numbers; only those that are decoded here. FormatOf knows all that are published.
enum class GgufTensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ40 = 2,   // Q4_0
  kQ80 = 8,   // Q8_0
  kQ4K = 12,  // Q4_K
  kQ5K = 13,  // Q5_K
  kQ6K = 14,  // Q6_K
  kBf16 = 30,
};

struct GgufFormat {
  GgufTensorType type;
  std::string_view name;
  uint32_t block_values;
  uint32_t block_bytes;
};

// The format with this number; null when it is unknown.
const GgufFormat* FormatOf(GgufTensorType type);

// Whether DecodeBlocks knows `type`.
bool CanDecode(GgufTensorType type);

// Each decodes whole blocks: `out` has block_values numbers for every block_bytes of `blocks`.
void DecodeQ40(std::span<const std::byte> blocks, std::span<float> out);
void DecodeQ80(std::span<const std::byte> blocks, std::span<float> out);
void DecodeQ4K(std::span<const std::byte> blocks, std::span<float> out);
void DecodeQ5K(std::span<const std::byte> blocks, std::span<float> out);
void DecodeQ6K(std::span<const std::byte> blocks, std::span<float> out);

// The decoder of `type`, which CanDecode.
void DecodeBlocks(GgufTensorType type, std::span<const std::byte> blocks, std::span<float> out);

}  // namespace windrose
