#include "common/model/checkpoint.h"

#include <set>

#include "common/model/mapped_file.h"
#include "common/model/model_hash.h"
#include "common/model/safetensors.h"
#include "common/model/shard_index.h"
#include "common/model/tensor_names.h"

namespace windrose {
namespace {

constexpr const char* kConfigFile = "config.json";
constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";
constexpr size_t kMaxConfigBytes = 1 << 20;
constexpr size_t kMaxIndexBytes = 16 << 20;
constexpr size_t kMaxShards = 4096;

std::string ShapeText(const std::vector<uint64_t>& shape) {
  std::string text = "[";
  for (const uint64_t dimension : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(dimension);
  }
  return text + "]";
}

// Which file should hold which tensor. Empty without an index: one file holds all.
using Index = std::map<std::string, std::string>;

StatusOr<Index> ReadIndex(const std::string& directory) {
  const StatusOr<std::string> text = ReadModelText(directory, kIndexFile, kMaxIndexBytes);
  if (text.status().code() == StatusCode::kNotFound) {
    return NotFound(
        "neither model.safetensors nor model.safetensors.index.json in the model "
        "directory; other weight formats (.bin, .pt, .gguf) are not read");
  }
  if (!text.ok()) return text.status();
  StatusOr<Index> index = ParseShardIndex(*text);
  if (!index.ok()) return Annotate(index.status(), kIndexFile);
  return index;
}

}  // namespace

struct Checkpoint::Tensors {
  struct Place {
    const MappedFile* file = nullptr;
    TensorEntry entry;
    std::span<const std::byte> bytes() const {
      return file->bytes().subspan(entry.begin, entry.bytes());
    }
  };

  std::vector<std::shared_ptr<const MappedFile>> files;
  std::map<std::string, Place, std::less<>> places;

  static StatusOr<std::shared_ptr<const Tensors>> Open(const std::string& directory);
  Status AddFile(const std::string& directory, const std::string& name, const Index& index);
  Status CheckIndex(const Index& index) const;
  Status CheckAgainst(const MixtralConfig& config) const;
};

StatusOr<std::shared_ptr<const Checkpoint::Tensors>> Checkpoint::Tensors::Open(
    const std::string& directory) {
  auto tensors = std::make_shared<Tensors>();
  const Status single = tensors->AddFile(directory, kSingleFile, {});
  if (single.ok()) return tensors;
  if (single.code() != StatusCode::kNotFound) return single;
  ASSIGN_OR_RETURN(const Index index, ReadIndex(directory));
  std::set<std::string> shards;
  for (const auto& [tensor, file] : index) shards.insert(file);
  if (shards.size() > kMaxShards) return InvalidArgument("the index names too many files");
  for (const std::string& shard : shards) {
    RETURN_IF_ERROR(tensors->AddFile(directory, shard, index));
  }
  RETURN_IF_ERROR(tensors->CheckIndex(index));
  return tensors;
}

Status Checkpoint::Tensors::AddFile(const std::string& directory, const std::string& name,
                                    const Index& index) {
  ASSIGN_OR_RETURN(const auto file, MappedFile::Open(directory, name));
  StatusOr<TensorEntries> entries = ParseSafetensorsHeader(file->bytes(), file->bytes().size());
  if (!entries.ok()) return Annotate(entries.status(), name);
  for (auto& [tensor, entry] : *entries) {
    const auto wanted = index.find(tensor);
    if (!index.empty() && (wanted == index.end() || wanted->second != name)) {
      return InvalidArgument(name + ": tensor " + tensor + " is not where the index says");
    }
    places[tensor] = {file.get(), std::move(entry)};
  }
  files.push_back(file);
  return OkStatus();
}

Status Checkpoint::Tensors::CheckIndex(const Index& index) const {
  for (const auto& [tensor, file] : index) {
    if (!places.contains(tensor)) {
      return InvalidArgument(file + ": lacks tensor " + tensor + ", which the index says it has");
    }
  }
  return OkStatus();
}

Status Checkpoint::Tensors::CheckAgainst(const MixtralConfig& config) const {
  std::set<std::string, std::less<>> wanted;
  for (const TensorSpec& spec : TensorsOf(config)) {
    const auto found = places.find(spec.name);
    if (found == places.end()) return NotFound("no file has tensor " + spec.name);
    const auto& [file, entry] = found->second;
    const std::string where = file->name() + ": tensor " + spec.name;
    if (entry.shape != spec.shape) {
      return InvalidArgument(where + ": config.json wants shape " + ShapeText(spec.shape) +
                             ", the file has " + ShapeText(entry.shape));
    }
    if (!DTypeNamed(entry.dtype)) {
      return InvalidArgument(where + ": wanted dtype F32, F16 or BF16, the file has " +
                             entry.dtype);
    }
    wanted.insert(spec.name);
  }
  for (const auto& [name, place] : places) {
    if (!wanted.contains(name)) {
      return InvalidArgument(place.file->name() + ": tensor " + name +
                             " is not part of a Mixtral of this config.json");
    }
  }
  return OkStatus();
}

Checkpoint::Checkpoint(MixtralConfig config, std::shared_ptr<const Tensors> tensors)
    : config_(std::move(config)), tensors_(std::move(tensors)) {}

StatusOr<Checkpoint> Checkpoint::Open(const std::string& directory) {
  ASSIGN_OR_RETURN(const std::string text, ReadModelText(directory, kConfigFile, kMaxConfigBytes));
  StatusOr<MixtralConfig> config = ParseMixtralConfig(text);
  if (!config.ok()) return Annotate(config.status(), kConfigFile);
  ASSIGN_OR_RETURN(auto tensors, Tensors::Open(directory));
  RETURN_IF_ERROR(tensors->CheckAgainst(*config));
  Checkpoint checkpoint(*std::move(config), std::move(tensors));
  RETURN_IF_ERROR(checkpoint.ComputeHash());
  return checkpoint;
}

Status Checkpoint::ComputeHash() {
  ModelHasher hasher;
  hasher.Add(ToConfigJson(config_));
  for (const TensorSpec& spec : TensorsOf(config_)) {
    const Tensors::Place& place = tensors_->places.find(spec.name)->second;
    hasher.Add(spec.name);
    hasher.Add(place.entry.dtype);
    for (const uint64_t dimension : spec.shape) hasher.Add(dimension);
    const bool is_norm = spec.shape.size() == 1;
    const bool is_gate = spec.name.ends_with("block_sparse_moe.gate.weight");
    if (!is_norm && !is_gate) continue;
    RETURN_IF_ERROR(Annotate(MakeMappedResident(place.bytes()), place.file->name()));
    hasher.Add(place.bytes());
  }
  const Hash128 hash = hasher.Finish();
  model_hash_ = hash.Hex();
  model_hash_prefix_ = hash.high;
  return OkStatus();
}

StatusOr<WeightView> Checkpoint::View(const std::string& name) const {
  const auto found = tensors_->places.find(name);
  if (found == tensors_->places.end()) return NotFound("no file has tensor " + name);
  const auto& [file, entry] = found->second;
  WeightView view;
  view.dtype = *DTypeNamed(entry.dtype);
  view.data = file->bytes().data() + entry.begin;
  view.rows = entry.shape.size() == 2 ? entry.shape[0] : 1;
  view.cols = entry.shape.back();
  PrefetchMapped({view.data, view.bytes()});
  return view;
}

StatusOr<LayerWeights> Checkpoint::Layer(LayerIndex layer) const {
  LayerWeights weights;
  const std::pair<WeightView*, const char*> parts[] = {
      {&weights.input_norm, "input_layernorm"},
      {&weights.query, "self_attn.q_proj"},
      {&weights.key, "self_attn.k_proj"},
      {&weights.value, "self_attn.v_proj"},
      {&weights.attention_output, "self_attn.o_proj"},
      {&weights.post_attention_norm, "post_attention_layernorm"},
      {&weights.gate, "block_sparse_moe.gate"}};
  for (const auto& [view, part] : parts) {
    ASSIGN_OR_RETURN(*view, View(LayerTensorName(layer, part)));
  }
  return weights;
}

StatusOr<CoordinatorWeights> Checkpoint::Coordinator() const {
  CoordinatorWeights weights;
  weights.storage = tensors_;
  ASSIGN_OR_RETURN(weights.embedding, View("model.embed_tokens.weight"));
  for (LayerIndex layer{0}; layer.value() < config_.layers; ++layer) {
    ASSIGN_OR_RETURN(LayerWeights layer_weights, Layer(layer));
    weights.layers.push_back(layer_weights);
  }
  ASSIGN_OR_RETURN(weights.final_norm, View("model.norm.weight"));
  weights.head = weights.embedding;
  if (!config_.tied_embeddings) {
    ASSIGN_OR_RETURN(weights.head, View("lm_head.weight"));
  }
  return weights;
}

StatusOr<ExpertMatrices> Checkpoint::Expert(LayerIndex layer, ExpertId expert) const {
  ExpertMatrices matrices;
  ASSIGN_OR_RETURN(matrices.w1, View(ExpertTensorName(layer, expert, "w1")));
  ASSIGN_OR_RETURN(matrices.w2, View(ExpertTensorName(layer, expert, "w2")));
  ASSIGN_OR_RETURN(matrices.w3, View(ExpertTensorName(layer, expert, "w3")));
  return matrices;
}

StatusOr<ExpertWeights> Checkpoint::Experts(std::span<const ExpertId> experts) const {
  std::map<std::pair<LayerIndex, ExpertId>, ExpertMatrices> held;
  for (const ExpertId expert : experts) {
    if (expert.value() >= config_.experts) {
      return InvalidArgument("expert " + std::to_string(expert.value()) +
                             " wanted, the model has experts 0 to " +
                             std::to_string(config_.experts - 1));
    }
    for (LayerIndex layer{0}; layer.value() < config_.layers; ++layer) {
      ASSIGN_OR_RETURN(const ExpertMatrices matrices, Expert(layer, expert));
      held[{layer, expert}] = matrices;
    }
  }
  return ExpertWeights(std::move(held), tensors_);
}

const ExpertMatrices* ExpertWeights::Find(LayerIndex layer, ExpertId expert) const {
  const auto found = matrices_.find({layer, expert});
  return found == matrices_.end() ? nullptr : &found->second;
}

size_t ExpertWeights::bytes() const {
  size_t bytes = 0;
  for (const auto& [place, matrices] : matrices_) {
    bytes += matrices.w1.bytes() + matrices.w2.bytes() + matrices.w3.bytes();
  }
  return bytes;
}

Status ExpertWeights::MakeResident() const {
  for (const auto& [place, matrices] : matrices_) {
    for (const WeightView& view : {matrices.w1, matrices.w2, matrices.w3}) {
      RETURN_IF_ERROR(MakeMappedResident({view.data, view.bytes()}));
    }
  }
  return OkStatus();
}

}  // namespace windrose
