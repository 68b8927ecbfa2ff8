// Checkpoint: a Mixtral in a directory, checked and mapped, not copied. Two kinds load through
// here:
//
//   Hugging Face   config.json, and model.safetensors or the shards of
//                  model.safetensors.index.json
//   Windrose       config.json, windrose.json, coordinator.safetensors, expert-NN.safetensors
//                  (common/model/checkpoint_layout.h), written by `windrose convert`
//
// Open reads the config and what says where tensors are: the headers of all Hugging Face files, or
// the manifest. Every tensor must be one that the config calls for, with its shape and a format we
// compute with. The accessors give views into the mappings: the coordinator never touches an
// expert's bytes, a worker only its own experts'. Of a Windrose checkpoint they open only the files
// they need; the others may be missing. Immutable: thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/config.h"
#include "common/model/weight_storage.h"
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

// What the coordinator computes with. `storage` keeps the views alive, in the order of layers.
struct CoordinatorWeights {
  WeightView embedding;  // [vocabulary, hidden]
  std::vector<LayerWeights> layers;
  WeightView final_norm;  // [1, hidden]
  WeightView head;        // [vocabulary, hidden]; the embedding itself when tied
  std::shared_ptr<const WeightStorage> storage;
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
                std::shared_ptr<const WeightStorage> storage)
      : matrices_(std::move(matrices)), storage_(std::move(storage)) {}

  // Null when the expert is not held.
  const ExpertMatrices* Find(LayerIndex layer, ExpertId expert) const;
  size_t bytes() const;
  // In the order of layers.
  const std::shared_ptr<const WeightStorage>& storage() const { return storage_; }

 private:
  std::map<std::pair<LayerIndex, ExpertId>, ExpertMatrices> matrices_;
  std::shared_ptr<const WeightStorage> storage_;
};

// Every tensor by its name, for what copies a model or looks whether it is complete.
struct AllWeights {
  std::map<std::string, WeightView, std::less<>> views;
  std::shared_ptr<const WeightStorage> storage;
};

class TensorFiles;
struct TensorPlace;

class Checkpoint {
 public:
  // INVALID_ARGUMENT or NOT_FOUND name the file, the tensor, what was wanted and what came;
  // FAILED_PRECONDITION when a conversion into the directory has not been finished.
  static StatusOr<Checkpoint> Open(const std::string& directory);

  const MixtralConfig& config() const { return config_; }
  // The number format of the matrices; packed ones occur in Windrose checkpoints only.
  DType format() const { return format_; }
  // The format in which `tensor`, one of the config's, is stored.
  DType FormatOf(const std::string& tensor) const;
  // The name of the file that has it.
  const std::string& FileOf(const std::string& tensor) const;

  // 32 hex digits that agree between processes exactly when they serve the same model: XXH3-128
  // over the config's meaning, the name, format and logical shape of every tensor, and what is
  // known of its content. Of a Hugging Face directory that is the bytes of gates and norms: this
  // finds another model, another fine-tune that touched a gate or a norm, another dtype, but not a
  // flipped bit in a large matrix. Of a Windrose checkpoint it is the manifest's hash of every
  // tensor. Does not depend on how tensors are spread over files.
  const std::string& model_hash() const { return model_hash_; }
  // The first 64 bits of it, for frames.
  uint64_t model_hash_prefix() const { return model_hash_prefix_; }

  // NOT_FOUND when a file is missing that holds something asked for.
  StatusOr<CoordinatorWeights> Coordinator() const;
  StatusOr<ExpertWeights> Experts(std::span<const ExpertId> experts) const;
  StatusOr<AllWeights> All() const;

  // The bytes of tokenizer.model. NOT_FOUND when the model has none; DATA_LOSS when they are not
  // those that the manifest was written with.
  StatusOr<std::string> Tokenizer() const;

 private:
  Checkpoint() = default;
  static StatusOr<Checkpoint> OpenHuggingFace(const std::string& directory);
  static StatusOr<Checkpoint> OpenWindrose(const std::string& directory,
                                           const std::string& manifest);
  Status CheckTensors() const;
  const TensorPlace& PlaceOf(const std::string& tensor) const;
  // That each matrix stands in a format that the rows it shares with others are prepared for.
  Status CheckFormats() const;
  Status ComputeHash();

  std::string directory_;
  MixtralConfig config_;
  DType format_ = DType::kBf16;
  std::optional<Hash128> tokenizer_hash_;
  std::shared_ptr<const TensorFiles> files_;
  std::string model_hash_;
  uint64_t model_hash_prefix_ = 0;
};

}  // namespace windrose
