// Checkpoint: a Mixtral in a directory, checked whole and mapped, not copied.
//
//   config.json, and model.safetensors | model.safetensors.index.json with its shards
//
// Open reads the config and the headers of all files; every tensor must be one that the config
// calls for, with its shape and a dtype we compute with. The accessors give views into the
// mappings: the coordinator never touches an expert's bytes, a worker only its own experts'.
// Immutable: thread-safe.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/config.h"
#include "common/tensor/view.h"

namespace windrose {

// One layer without its experts. All [outputs, inputs]; norms are [1, hidden].
struct LayerWeights {
  WeightView input_norm;           // [1, hidden]
  WeightView query;                // [heads * head_dim, hidden]
  WeightView key;                  // [kv_heads * head_dim, hidden]
  WeightView value;                // [kv_heads * head_dim, hidden]
  WeightView attention_output;     // [hidden, heads * head_dim]
  WeightView post_attention_norm;  // [1, hidden]
  WeightView gate;                 // [experts, hidden]
};

// What the coordinator computes with. `storage` keeps the views alive.
struct CoordinatorWeights {
  WeightView embedding;  // [vocabulary, hidden]
  std::vector<LayerWeights> layers;
  WeightView final_norm;  // [1, hidden]
  WeightView head;        // [vocabulary, hidden]; the embedding itself when tied
  std::shared_ptr<const void> storage;
};

// One expert of one layer: output = w2 * (silu(w1 * x) * (w3 * x)).
struct ExpertMatrices {
  WeightView w1;  // [expert_width, hidden]
  WeightView w2;  // [hidden, expert_width]
  WeightView w3;  // [expert_width, hidden]
};

// Some experts, in all layers. A value; keeps the mappings alive.
class ExpertWeights {
 public:
  ExpertWeights(std::map<std::pair<LayerIndex, ExpertId>, ExpertMatrices> matrices,
                std::shared_ptr<const void> storage)
      : matrices_(std::move(matrices)), storage_(std::move(storage)) {}

  // Null when the expert is not held.
  const ExpertMatrices* Find(LayerIndex layer, ExpertId expert) const;
  size_t bytes() const;
  // Reads all of it into the page cache: the loading of a worker. DATA_LOSS when a file shrank.
  Status MakeResident() const;

 private:
  std::map<std::pair<LayerIndex, ExpertId>, ExpertMatrices> matrices_;
  std::shared_ptr<const void> storage_;
};

class Checkpoint {
 public:
  // INVALID_ARGUMENT or NOT_FOUND name the file, the tensor, what was wanted and what came.
  static StatusOr<Checkpoint> Open(const std::string& directory);

  const MixtralConfig& config() const { return config_; }

  // 32 hex digits that agree between processes exactly when they serve the same model: XXH3-128
  // over the config's meaning, the name, dtype and shape of every tensor, and the bytes of gates
  // and norms. Does not depend on how tensors are spread over files. Finds another model, another
  // fine-tune that touched a gate or a norm, another dtype. Does not find a flipped bit in a large
  // matrix.
  const std::string& model_hash() const { return model_hash_; }
  // The first 64 bits of it, for frames.
  uint64_t model_hash_prefix() const { return model_hash_prefix_; }

  // NOT_FOUND when the directory lacks a tensor that is asked for.
  StatusOr<CoordinatorWeights> Coordinator() const;
  StatusOr<ExpertWeights> Experts(std::span<const ExpertId> experts) const;

 private:
  struct Tensors;  // the mapped files and where each tensor is in them

  Checkpoint(MixtralConfig config, std::shared_ptr<const Tensors> tensors);
  Status ComputeHash();
  StatusOr<WeightView> View(const std::string& name) const;
  StatusOr<LayerWeights> Layer(LayerIndex layer) const;
  StatusOr<ExpertMatrices> Expert(LayerIndex layer, ExpertId expert) const;

  MixtralConfig config_;
  std::shared_ptr<const Tensors> tensors_;
  std::string model_hash_;
  uint64_t model_hash_prefix_ = 0;
};

}  // namespace windrose
