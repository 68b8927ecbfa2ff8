// GgufFile: writes GGUF files for tests, good ones and, part by part, bad ones.
//
// Every part is public, so that a test can spoil it before Bytes() puts the parts together.
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/config.h"
#include "common/model/gguf.h"

namespace windrose {

// A number as its bytes, the lowest first.
template <typename T>
std::string Encoded(T number) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &number, sizeof(T));
  return bytes;
}

std::string EncodedText(std::string_view text);

// An array's type and count, and its elements one after the other.
std::string EncodedArray(GgufValueType type, const std::vector<std::string>& elements);

struct GgufFile {
  struct Key {
    std::string name;
    uint32_t type = 0;
    std::string value;
  };
  struct Tensor {
    std::string name;
    std::vector<uint64_t> sizes;  // innermost first
    uint32_t type = 0;
    uint64_t offset = 0;
  };

  std::string magic = "GGUF";
  uint32_t version = 3;
  std::optional<uint64_t> tensor_count;  // what the file says, when it is not the truth
  std::optional<uint64_t> key_count;
  std::vector<Key> keys;
  std::vector<Tensor> tensors;
  uint64_t alignment = 32;  // of data; the key is for the test to add
  std::string data;

  void Add(const std::string& name, GgufValueType type, const std::string& value);
  void AddU32(const std::string& name, uint32_t value);
  void AddF32(const std::string& name, float value);
  void AddBool(const std::string& name, bool value);
  void AddText(const std::string& name, std::string_view value);
  void AddArray(const std::string& name, GgufValueType type,
                const std::vector<std::string>& elements);
  // Behind the tensors that are there already.
  void AddTensor(const std::string& name, const std::vector<uint64_t>& sizes, GgufTensorType type,
                 std::string_view bytes);
  void AddFloats(const std::string& name, const std::vector<uint64_t>& sizes,
                 std::span<const float> values);

  // The key of that name, which must be there.
  Key& at(const std::string& name);
  void Remove(const std::string& name);

  // The data of a tensor, with the padding behind it.
  std::string_view DataOf(size_t tensor) const;

  std::string Bytes() const;
};

// The keys llama.… of a model of this shape.
void AddConfigKeys(const MixtralConfig& config, GgufFile* file);

void WriteFile(const std::string& path, std::string_view bytes);
std::string ReadFile(const std::string& path);

}  // namespace windrose
