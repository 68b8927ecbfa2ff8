// The header of a GGUF file, versions 2 and 3, little-endian, parsed as if an enemy had written it.
//
//   file   = "GGUF"  u32 version  u64 tensors  u64 keys  key{keys}  tensor{tensors}  padding  data
//   key    = string name  u32 type  value
//   value  = number | bool, one byte of 0 or 1 | string | array
//   string = u64 bytes  byte{bytes}
//   array  = u32 type  u64 count  value{count}
//   tensor = string name  u32 dimensions  u64 size{dimensions}  u32 type  u64 offset
//
// Sizes are the innermost first: a matrix of [outputs, inputs] is written as inputs, outputs.
// Offsets count from the start of data, which is the first multiple of the key general.alignment
// (32 when absent) behind the header. The tensors cover data: each begins where the one before it
// ends, rounded up to the alignment, and nothing follows the last but such rounding. Pure
// functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/model/gguf_blocks.h"

namespace windrose {

constexpr uint64_t kMaxGgufHeaderBytes = 100'000'000;
constexpr uint64_t kMaxGgufTensors = 65'536;
constexpr uint64_t kMaxGgufKeys = 65'536;
constexpr uint64_t kMaxGgufNameBytes = 64;  // of a tensor; the format's own limit
constexpr uint64_t kMaxGgufKeyBytes = 65'535;
constexpr uint64_t kMaxGgufStringBytes = 1 << 20;
constexpr uint64_t kMaxGgufArrayElements = 16 << 20;
constexpr size_t kMaxGgufArrayNesting = 4;
constexpr uint64_t kMaxGgufDimensions = 4;
constexpr uint64_t kMaxGgufAlignment = 1 << 20;

// The file's own numbers.
enum class GgufValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// Bytes of a number or a bool; 0 for strings and arrays.
size_t SizeOf(GgufValueType type);
// "u32", "string", …
std::string_view NameOf(GgufValueType type);

// Where a value is in the file; GgufMetadata reads it. Checked to be whole.
struct GgufValue {
  GgufValueType type = GgufValueType::kU8;  // of the value, or of an array's elements
  bool is_array = false;
  uint64_t count = 1;  // of elements
  uint64_t begin = 0;  // first byte, behind type and count
  uint64_t end = 0;    // one past the last
};

struct GgufTensor {
  GgufTensorType type = GgufTensorType::kF32;  // known to FormatOf; not all can be decoded
  std::vector<uint64_t> sizes;                 // innermost first, none of them 0
  uint64_t begin = 0;                          // first byte in the file
  uint64_t end = 0;                            // one past the last

  uint64_t bytes() const { return end - begin; }
};

using GgufValues = std::map<std::string, GgufValue, std::less<>>;
using GgufTensors = std::map<std::string, GgufTensor, std::less<>>;

struct GgufHeader {
  GgufValues values;
  GgufTensors tensors;
};

// The header of a file that starts with `prefix` and is `file_bytes` long; `prefix` holds at least
// the whole header, or all of the file. INVALID_ARGUMENT says what is wrong and with which key or
// tensor. Costs memory in proportion to the keys and tensors it accepts; values stay in the file.
StatusOr<GgufHeader> ParseGgufHeader(std::span<const std::byte> prefix, uint64_t file_bytes);

}  // namespace windrose
