#include <bit>
#include <cstring>

#include "common/base/check.h"
#include "common/wire/frame.h"

namespace windrose::wire {
namespace {

constexpr uint32_t kF32Exponent = 0x7F800000;
constexpr uint16_t kBf16Exponent = 0x7F80;

// Rounds to nearest, ties to even; a NaN stays one even when its payload sits in the lost bits.
uint16_t Bf16FromF32(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > kF32Exponent) return static_cast<uint16_t>((bits >> 16) | 0x0040);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float F32FromBf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

// True when some `Word` of `rows` has all bits of `exponent` set.
template <typename Word>
bool AnyWithExponent(std::span<const std::byte> rows, Word exponent) {
  constexpr size_t kBlock = 1024;  // Words between two looks, so that the inner loop vectorises.
  const size_t count = rows.size() / sizeof(Word);
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t end = begin + kBlock < count ? begin + kBlock : count;
    unsigned found = 0;
    for (size_t index = begin; index < end; ++index) {
      Word word;
      std::memcpy(&word, rows.data() + index * sizeof(Word), sizeof(Word));
      found |= (word & exponent) == exponent ? 1U : 0U;
    }
    if (found != 0) return true;
  }
  return false;
}

}  // namespace

size_t RowBytes(RowType type, size_t hidden) {
  return hidden * (type == RowType::kF32 ? sizeof(float) : sizeof(uint16_t));
}

void WriteRow(std::span<const float> values, RowType type, size_t row, std::span<std::byte> rows) {
  const size_t row_bytes = RowBytes(type, values.size());
  DCHECK((row + 1) * row_bytes <= rows.size());
  std::byte* target = rows.data() + row * row_bytes;
  if (type == RowType::kF32) {
    std::memcpy(target, values.data(), row_bytes);
    return;
  }
  for (size_t column = 0; column < values.size(); ++column) {
    const uint16_t bits = Bf16FromF32(values[column]);
    std::memcpy(target + column * sizeof(bits), &bits, sizeof(bits));
  }
}

void ReadRow(std::span<const std::byte> rows, RowType type, size_t row, std::span<float> out) {
  const size_t row_bytes = RowBytes(type, out.size());
  DCHECK((row + 1) * row_bytes <= rows.size());
  const std::byte* source = rows.data() + row * row_bytes;
  if (type == RowType::kF32) {
    std::memcpy(out.data(), source, row_bytes);
    return;
  }
  for (size_t column = 0; column < out.size(); ++column) {
    uint16_t bits;
    std::memcpy(&bits, source + column * sizeof(bits), sizeof(bits));
    out[column] = F32FromBf16(bits);
  }
}

void AppendRows(std::span<const float> matrix, size_t hidden, std::span<const uint32_t> row_numbers,
                RowType type, std::vector<std::byte>& bytes) {
  const size_t row_bytes = RowBytes(type, hidden);
  const size_t begin = bytes.size();
  bytes.resize(begin + row_numbers.size() * row_bytes);
  const std::span<std::byte> target = std::span<std::byte>(bytes).subspan(begin);
  for (size_t index = 0; index < row_numbers.size(); ++index) {
    const size_t first = row_numbers[index] * hidden;
    CHECK(first + hidden <= matrix.size());
    WriteRow(matrix.subspan(first, hidden), type, index, target);
  }
}

bool AllFinite(std::span<const std::byte> rows, RowType type) {
  return type == RowType::kF32 ? !AnyWithExponent<uint32_t>(rows, kF32Exponent)
                               : !AnyWithExponent<uint16_t>(rows, kBf16Exponent);
}

}  // namespace windrose::wire
