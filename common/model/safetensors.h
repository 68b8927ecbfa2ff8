// The header of a safetensors file, parsed as if an enemy had written it.
//
//   file   = u64 header_bytes (little-endian)  header  data
//   header = JSON object { "__metadata__"?: {string: string}, name: tensor }, spaces after it
//   tensor = {"dtype": string, "shape": [count…], "data_offsets": [begin, end]}
//
// Offsets count from the start of data. The tensors cover data completely: no holes, no overlaps,
// no bytes left. Pure functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace windrose {

constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
constexpr size_t kMaxTensorsInFile = 65'536;
constexpr size_t kMaxTensorDimensions = 8;

struct TensorEntry {
  std::string dtype;            // a name of the format, known: "F32", "BF16", "I64", …
  std::vector<uint64_t> shape;  // empty for a scalar
  uint64_t begin = 0;           // first byte in the file
  uint64_t end = 0;             // one past the last

  uint64_t bytes() const { return end - begin; }
};

using TensorEntries = std::map<std::string, TensorEntry, std::less<>>;

// Where the header ends in a file of `file_bytes` that starts with `prefix`, 8 bytes or all of it;
// not beyond the file nor the limit, whatever the file says.
uint64_t SafetensorsHeaderEnd(std::span<const std::byte> prefix, uint64_t file_bytes);

// The tensors of a file that starts with `prefix` and is `file_bytes` long; `prefix` holds at least
// the whole header, or all of the file. INVALID_ARGUMENT says what is wrong and with which tensor.
// Costs memory in proportion to the tensors it accepts.
StatusOr<TensorEntries> ParseSafetensorsHeader(std::span<const std::byte> prefix,
                                               uint64_t file_bytes);

}  // namespace windrose
