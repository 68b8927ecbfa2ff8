// SafetensorsWriter: writes a safetensors file front to back, without holding its data.
//
// The header is written first, from the list of tensors; then their data is appended in that order.
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/dtype.h"

namespace windrose {

struct TensorToWrite {
  std::string name;  // printable ASCII without quotes and backslashes
  DType dtype = DType::kF32;
  // Of a packed dtype: [outputs, inputs]; the file then says "U8" and how many bytes.
  std::vector<uint64_t> shape;
};

class SafetensorsWriter {
 public:
  // Creates or replaces `path` and writes the header; data begins at a multiple of 64 bytes.
  static StatusOr<SafetensorsWriter> Create(const std::string& path,
                                            std::span<const TensorToWrite> tensors);

  // The next bytes of the data, in the order of the tensors; tensors may be cut anywhere.
  Status Append(std::span<const std::byte> bytes);
  // The next values, converted to `dtype`, a plain one.
  Status AppendValues(std::span<const float> values, DType dtype);
  // Must be called once all data was appended; FAILED_PRECONDITION when some is missing,
  // RESOURCE_EXHAUSTED when the disk is full.
  Status Finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  SafetensorsWriter(std::string path, std::FILE* file, uint64_t data_bytes);

  std::string path_;
  std::vector<char> buffer_;  // the file's, which it outlives
  std::unique_ptr<std::FILE, Close> file_;
  uint64_t remaining_bytes_;
};

}  // namespace windrose
