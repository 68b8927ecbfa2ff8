// The tensors a Mixtral consists of: names, shapes, and who wants them. Thread-safe (pure
// functions).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/model/config.h"

namespace windrose {

// One tensor that a config calls for. Vectors have one entry in `shape`, matrices [outputs,
// inputs].
struct TensorSpec {
  std::string name;
  std::vector<uint64_t> shape;
  bool of_expert = false;  // an expert's matrix; all others belong to the coordinator
  ExpertId expert{};       // whose, when it is one
};

constexpr const char* kEmbeddingTensor = "model.embed_tokens.weight";
constexpr const char* kFinalNormTensor = "model.norm.weight";
constexpr const char* kHeadTensor = "lm_head.weight";

bool IsNorm(const TensorSpec& tensor);
bool IsGate(const TensorSpec& tensor);

// Every tensor of the model, in the order of a forward pass. lm_head.weight is absent when tied.
std::vector<TensorSpec> TensorsOf(const MixtralConfig& config);

// "model.layers.3.self_attn.q_proj.weight" for (3, "self_attn.q_proj").
std::string LayerTensorName(LayerIndex layer, const std::string& part);

// "model.layers.3.block_sparse_moe.experts.5.w1.weight" for (3, 5, "w1").
std::string ExpertTensorName(LayerIndex layer, ExpertId expert, const std::string& matrix);

}  // namespace windrose
