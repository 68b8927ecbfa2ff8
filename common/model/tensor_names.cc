#include "common/model/tensor_names.h"

namespace windrose {

bool IsNorm(const TensorSpec& tensor) { return tensor.shape.size() == 1; }

bool IsGate(const TensorSpec& tensor) {
  return tensor.name.ends_with("block_sparse_moe.gate.weight");
}

std::string LayerTensorName(LayerIndex layer, const std::string& part) {
  return "model.layers." + std::to_string(layer.value()) + "." + part + ".weight";
}

std::string ExpertTensorName(LayerIndex layer, ExpertId expert, const std::string& matrix) {
  return LayerTensorName(
      layer, "block_sparse_moe.experts." + std::to_string(expert.value()) + "." + matrix);
}

std::vector<TensorSpec> TensorsOf(const MixtralConfig& config) {
  const uint64_t hidden = config.hidden;
  const uint64_t query = uint64_t{config.heads} * config.head_dim;
  const uint64_t key = uint64_t{config.kv_heads} * config.head_dim;
  const uint64_t width = config.expert_width;
  std::vector<TensorSpec> tensors;
  tensors.push_back({kEmbeddingTensor, {config.vocabulary, hidden}});
  for (LayerIndex layer{0}; layer.value() < config.layers; ++layer) {
    const auto add = [&](const std::string& part, std::vector<uint64_t> shape) {
      tensors.push_back({LayerTensorName(layer, part), std::move(shape)});
    };
    add("input_layernorm", {hidden});
    add("self_attn.q_proj", {query, hidden});
    add("self_attn.k_proj", {key, hidden});
    add("self_attn.v_proj", {key, hidden});
    add("self_attn.o_proj", {hidden, query});
    add("post_attention_layernorm", {hidden});
    add("block_sparse_moe.gate", {config.experts, hidden});
    for (ExpertId expert{0}; expert.value() < config.experts; ++expert) {
      tensors.push_back({ExpertTensorName(layer, expert, "w1"), {width, hidden}, true, expert});
      tensors.push_back({ExpertTensorName(layer, expert, "w2"), {hidden, width}, true, expert});
      tensors.push_back({ExpertTensorName(layer, expert, "w3"), {width, hidden}, true, expert});
    }
  }
  tensors.push_back({kFinalNormTensor, {hidden}});
  if (!config.tied_embeddings) {
    tensors.push_back({kHeadTensor, {config.vocabulary, hidden}});
  }
  return tensors;
}

}  // namespace windrose
