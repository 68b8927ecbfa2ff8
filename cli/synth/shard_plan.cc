#include "cli/synth/shard_plan.h"

#include <boost/json.hpp>

namespace windrose::cli {
namespace {

std::string FiveDigits(size_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

}  // namespace

uint64_t BytesOf(const TensorSpec& tensor, DType dtype) {
  uint64_t bytes = SizeOf(dtype);
  for (const uint64_t extent : tensor.shape) bytes *= extent;
  return bytes;
}

std::vector<Shard> PlanShards(const std::vector<TensorSpec>& tensors, DType dtype,
                              uint64_t shard_bytes) {
  std::vector<Shard> shards;
  uint64_t bytes = 0;
  for (uint32_t index = 0; index < tensors.size(); ++index) {
    const uint64_t more = BytesOf(tensors[index], dtype);
    if (shards.empty() || bytes + more > shard_bytes) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back().tensors.push_back(index);
    bytes += more;
  }
  for (size_t shard = 0; shard < shards.size(); ++shard) {
    shards[shard].file = shards.size() == 1 ? "model.safetensors"
                                            : "model-" + FiveDigits(shard + 1) + "-of-" +
                                                  FiveDigits(shards.size()) + ".safetensors";
  }
  return shards;
}

std::string IndexJson(const std::vector<TensorSpec>& tensors, DType dtype,
                      const std::vector<Shard>& shards) {
  boost::json::object weight_map;
  uint64_t total_bytes = 0;
  for (const Shard& shard : shards) {
    for (const uint32_t index : shard.tensors) {
      weight_map[tensors[index].name] = shard.file;
      total_bytes += BytesOf(tensors[index], dtype);
    }
  }
  boost::json::object index;
  index["metadata"] = boost::json::object{{"total_size", total_bytes}};
  index["weight_map"] = std::move(weight_map);
  return boost::json::serialize(index) + "\n";
}

}  // namespace windrose::cli
