#include "tests/unit/common/model/gguf_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "common/base/check.h"

namespace windrose {
namespace {

void PadTo(uint64_t alignment, std::string* bytes) {
  bytes->resize((bytes->size() + alignment - 1) / alignment * alignment);
}

}  // namespace

std::string EncodedText(std::string_view text) {
  return Encoded(uint64_t{text.size()}).append(text);
}

std::string EncodedArray(GgufValueType type, const std::vector<std::string>& elements) {
  std::string bytes = Encoded(static_cast<uint32_t>(type)) + Encoded(uint64_t{elements.size()});
  for (const std::string& element : elements) bytes += element;
  return bytes;
}

void GgufFile::Add(const std::string& name, GgufValueType type, const std::string& value) {
  keys.push_back({name, static_cast<uint32_t>(type), value});
}

void GgufFile::AddU32(const std::string& name, uint32_t value) {
  Add(name, GgufValueType::kU32, Encoded(value));
}

void GgufFile::AddF32(const std::string& name, float value) {
  Add(name, GgufValueType::kF32, Encoded(value));
}

void GgufFile::AddBool(const std::string& name, bool value) {
  Add(name, GgufValueType::kBool, Encoded(static_cast<uint8_t>(value)));
}

void GgufFile::AddText(const std::string& name, std::string_view value) {
  Add(name, GgufValueType::kString, EncodedText(value));
}

void GgufFile::AddArray(const std::string& name, GgufValueType type,
                        const std::vector<std::string>& elements) {
  Add(name, GgufValueType::kArray, EncodedArray(type, elements));
}

void GgufFile::AddTensor(const std::string& name, const std::vector<uint64_t>& sizes,
                         GgufTensorType type, std::string_view bytes) {
  PadTo(alignment, &data);
  tensors.push_back({name, sizes, static_cast<uint32_t>(type), data.size()});
  data += bytes;
}

void GgufFile::AddFloats(const std::string& name, const std::vector<uint64_t>& sizes,
                         std::span<const float> values) {
  AddTensor(name, sizes, GgufTensorType::kF32,
            {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

GgufFile::Key& GgufFile::at(const std::string& name) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  CHECK(found != keys.end());
  return *found;
}

void GgufFile::Remove(const std::string& name) {
  CHECK(std::erase_if(keys, [&](const Key& key) { return key.name == name; }) == 1);
}

std::string_view GgufFile::DataOf(size_t tensor) const {
  const uint64_t begin = tensors[tensor].offset;
  const uint64_t end = tensor + 1 < tensors.size() ? tensors[tensor + 1].offset : data.size();
  return std::string_view(data).substr(begin, end - begin);
}

std::string GgufFile::Bytes() const {
  std::string bytes = magic + Encoded(version) + Encoded(tensor_count.value_or(tensors.size())) +
                      Encoded(key_count.value_or(keys.size()));
  for (const Key& key : keys) bytes += EncodedText(key.name) + Encoded(key.type) + key.value;
  for (const Tensor& tensor : tensors) {
    bytes += EncodedText(tensor.name) + Encoded(static_cast<uint32_t>(tensor.sizes.size()));
    for (const uint64_t size : tensor.sizes) bytes += Encoded(size);
    bytes += Encoded(tensor.type) + Encoded(tensor.offset);
  }
  PadTo(alignment, &bytes);
  return bytes + data;
}

void AddConfigKeys(const MixtralConfig& config, GgufFile* file) {
  file->AddText("general.architecture", "llama");
  file->AddU32("llama.vocab_size", config.vocabulary);
  file->AddU32("llama.embedding_length", config.hidden);
  file->AddU32("llama.block_count", config.layers);
  file->AddU32("llama.attention.head_count", config.heads);
  file->AddU32("llama.attention.head_count_kv", config.kv_heads);
  file->AddU32("llama.rope.dimension_count", config.head_dim);
  file->AddF32("llama.rope.freq_base", static_cast<float>(config.rope_theta));
  file->AddU32("llama.feed_forward_length", config.expert_width);
  file->AddU32("llama.expert_count", config.experts);
  file->AddU32("llama.expert_used_count", config.top_k);
  file->AddU32("llama.context_length", config.positions);
  file->AddF32("llama.attention.layer_norm_rms_epsilon", config.norm_epsilon);
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  CHECK(file.good());
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace windrose
