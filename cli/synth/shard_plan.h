// Which tensor goes into which file. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/tensor_names.h"
#include "common/tensor/dtype.h"

namespace windrose::cli {

struct Shard {
  std::string file;
  std::vector<uint32_t> tensors;  // indices into the list of tensors
};

// Cuts `tensors`, in their order, into files of at most `shard_bytes`, but at least one tensor
// each. One file is model.safetensors, several are model-00001-of-0000N.safetensors.
std::vector<Shard> PlanShards(const std::vector<TensorSpec>& tensors, DType dtype,
                              uint64_t shard_bytes);

uint64_t BytesOf(const TensorSpec& tensor, DType dtype);

// The text of model.safetensors.index.json.
std::string IndexJson(const std::vector<TensorSpec>& tensors, DType dtype,
                      const std::vector<Shard>& shards);

}  // namespace windrose::cli
