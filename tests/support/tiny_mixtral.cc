#include "tests/support/tiny_mixtral.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <vector>

#include "common/base/random.h"
#include "common/model/safetensors_writer.h"
#include "common/model/tensor_names.h"

namespace windrose {
namespace {

// Close to normal, from four uniform numbers, so that it is the same with every mathematics
// library.
float NormalAt(uint64_t seed, uint32_t tensor, uint32_t index) {
  const auto block = Philox(seed, {index, 0, tensor, 0});
  double sum = 0;
  for (const uint32_t word : block) sum += word * 0x1.0p-32;
  return static_cast<float>((sum - 2.0) * std::sqrt(3.0));
}

std::vector<float> ValuesOf(const TensorSpec& spec, uint64_t seed, uint32_t tensor) {
  size_t count = 1;
  for (const uint64_t dimension : spec.shape) count *= dimension;
  const bool is_norm = spec.shape.size() == 1;
  const float spread = 1.0F / std::sqrt(static_cast<float>(spec.shape.back()));
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const float normal = NormalAt(seed, tensor, static_cast<uint32_t>(i));
    values[i] = is_norm ? 1.0F + 0.1F * normal : spread * normal;
  }
  return values;
}

Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file.good() ? OkStatus() : Internal("cannot write " + path);
}

struct NumberedTensor {
  TensorSpec spec;
  uint32_t number;
};

Status WriteShard(const std::string& path, const std::vector<NumberedTensor>& tensors, DType dtype,
                  uint64_t seed) {
  std::vector<TensorToWrite> header;
  for (const NumberedTensor& tensor : tensors) {
    header.push_back({tensor.spec.name, dtype, tensor.spec.shape});
  }
  ASSIGN_OR_RETURN(SafetensorsWriter writer, SafetensorsWriter::Create(path, header));
  for (const NumberedTensor& tensor : tensors) {
    RETURN_IF_ERROR(writer.AppendValues(ValuesOf(tensor.spec, seed, tensor.number), dtype));
  }
  return writer.Finish();
}

Status WriteIndex(const std::string& path, const std::map<std::string, std::string>& files) {
  std::string text = "{\"metadata\":{\"total_size\":0},\"weight_map\":{";
  bool first = true;
  for (const auto& [tensor, file] : files) {
    text += (first ? "\"" : ",\"") + tensor + "\":\"" + file + "\"";
    first = false;
  }
  return WriteText(path, text + "}}");
}

}  // namespace

MixtralConfig TinyMixtralConfig() {
  MixtralConfig config;
  config.vocabulary = 97;
  config.hidden = 40;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 10;
  config.experts = 8;
  config.top_k = 2;
  config.expert_width = 52;
  config.positions = 512;
  config.rope_theta = 1e4;
  config.dtype = DType::kF32;
  return config;
}

Status WriteTinyMixtral(const std::string& directory, const MixtralConfig& config,
                        const TinyMixtralOptions& options) {
  RETURN_IF_ERROR(WriteText(directory + "/config.json", ToConfigJson(config)));
  const size_t shards = std::max<size_t>(1, options.shards);
  std::vector<std::vector<NumberedTensor>> of_shard(shards);
  uint32_t number = 0;
  for (TensorSpec& spec : TensorsOf(config)) {
    of_shard[number % shards].push_back({std::move(spec), number});
    ++number;
  }
  if (shards == 1) {
    return WriteShard(directory + "/model.safetensors", of_shard[0], config.dtype, options.seed);
  }
  std::map<std::string, std::string> files;
  for (size_t shard = 0; shard < shards; ++shard) {
    const std::string name =
        "model-" + std::to_string(shard + 1) + "-of-" + std::to_string(shards) + ".safetensors";
    for (const NumberedTensor& tensor : of_shard[shard]) files[tensor.spec.name] = name;
    RETURN_IF_ERROR(
        WriteShard(directory + "/" + name, of_shard[shard], config.dtype, options.seed));
  }
  return WriteIndex(directory + "/model.safetensors.index.json", files);
}

}  // namespace windrose
