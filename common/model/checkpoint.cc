#include "common/model/checkpoint.h"

#include <set>

#include "common/base/check.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/manifest.h"
#include "common/model/mapped_file.h"
#include "common/model/model_hash.h"
#include "common/model/tensor_files.h"
#include "common/model/tensor_names.h"
#include "common/model/tokenizer_file.h"

namespace windrose {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;

StatusOr<MixtralConfig> ParseConfig(const std::string& text) {
  StatusOr<MixtralConfig> config = ParseMixtralConfig(text);
  if (!config.ok()) return Annotate(config.status(), kConfigFile);
  return config;
}

// Makes views of tensors and keeps what they need: each file is mapped once.
class WeightLoader {
 public:
  explicit WeightLoader(const TensorFiles& files) : files_(files) {}

  StatusOr<WeightView> View(const std::string& name) {
    const auto place = files_.places().find(name);
    if (place == files_.places().end()) return NotFound("no file has tensor " + name);
    ASSIGN_OR_RETURN(const TensorFile* file, File(place->second.file));
    const TensorEntry& entry = file->entries.find(name)->second;
    const auto bytes = file->mapping->bytes().subspan(entry.begin, entry.bytes());
    tensors_.push_back({name, file->mapping, bytes, place->second.hash});
    const std::vector<uint64_t>& shape = place->second.shape;
    return WeightView{place->second.format, bytes.data(), shape.size() == 2 ? shape[0] : 1,
                      shape.back()};
  }

  std::shared_ptr<const WeightStorage> Storage() && {
    return std::make_shared<const WeightStorage>(std::move(tensors_));
  }

 private:
  StatusOr<const TensorFile*> File(const std::string& name) {
    std::shared_ptr<const TensorFile>& file = opened_[name];
    if (file == nullptr) {
      ASSIGN_OR_RETURN(file, files_.Open(name));
    }
    return file.get();
  }

  const TensorFiles& files_;
  std::map<std::string, std::shared_ptr<const TensorFile>> opened_;
  std::vector<WeightStorage::Tensor> tensors_;
};

StatusOr<LayerWeights> LoadLayer(LayerIndex layer, WeightLoader& loader) {
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
    ASSIGN_OR_RETURN(*view, loader.View(LayerTensorName(layer, part)));
  }
  return weights;
}

// Whether rows prepared for products with one format serve the other: as they are for plain ones,
// as bytes for q8 and q4, as pairs for packed bf16.
bool TakeTheSameRows(DType one, DType other) {
  return IsPacked(one) == IsPacked(other) && IsQuantized(one) == IsQuantized(other);
}

// `names`: matrices that are multiplied with the same rows; all are there.
Status CheckTakeTheSameRows(const TensorFiles& files, const std::vector<std::string>& names) {
  const TensorPlace& first = files.places().find(names.front())->second;
  for (const std::string& name : names) {
    const TensorPlace& place = files.places().find(name)->second;
    if (TakeTheSameRows(place.format, first.format)) continue;
    return InvalidArgument(place.file + ": tensor " + name + " is " +
                           std::string(NameOf(place.format)) + ", which does not go with " +
                           names.front() + " in " + std::string(NameOf(first.format)));
  }
  return OkStatus();
}

Status CheckIsPlain(const TensorFiles& files, const std::string& name) {
  const TensorPlace& place = files.places().find(name)->second;
  if (!IsPacked(place.format)) return OkStatus();
  return InvalidArgument(place.file + ": tensor " + name + ": wanted a plain format, came " +
                         std::string(NameOf(place.format)));
}

StatusOr<ExpertMatrices> LoadExpert(LayerIndex layer, ExpertId expert, WeightLoader& loader) {
  ExpertMatrices matrices;
  ASSIGN_OR_RETURN(matrices.w1, loader.View(ExpertTensorName(layer, expert, "w1")));
  ASSIGN_OR_RETURN(matrices.w2, loader.View(ExpertTensorName(layer, expert, "w2")));
  ASSIGN_OR_RETURN(matrices.w3, loader.View(ExpertTensorName(layer, expert, "w3")));
  return matrices;
}

}  // namespace

StatusOr<Checkpoint> Checkpoint::Open(const std::string& directory) {
  const StatusOr<std::string> manifest = ReadModelText(directory, kManifestFile, kMaxManifestBytes);
  if (manifest.status().code() == StatusCode::kNotFound) return OpenHuggingFace(directory);
  if (!manifest.ok()) return manifest.status();
  return OpenWindrose(directory, *manifest);
}

StatusOr<Checkpoint> Checkpoint::OpenHuggingFace(const std::string& directory) {
  const auto unfinished = ReadModelText(directory, kUnfinishedManifestFile, kMaxManifestBytes);
  if (unfinished.status().code() != StatusCode::kNotFound) {
    return FailedPrecondition(
        "the conversion into this directory is unfinished: windrose.json.partial is there, "
        "windrose.json is not; run windrose convert again");
  }
  ASSIGN_OR_RETURN(const std::string text, ReadModelText(directory, kConfigFile, kMaxConfigBytes));
  Checkpoint checkpoint;
  checkpoint.directory_ = directory;
  ASSIGN_OR_RETURN(checkpoint.config_, ParseConfig(text));
  checkpoint.format_ = checkpoint.config_.dtype;
  ASSIGN_OR_RETURN(checkpoint.files_, TensorFiles::OpenHuggingFace(directory));
  RETURN_IF_ERROR(checkpoint.CheckTensors());
  RETURN_IF_ERROR(checkpoint.CheckFormats());
  RETURN_IF_ERROR(checkpoint.ComputeHash());
  return checkpoint;
}

StatusOr<Checkpoint> Checkpoint::OpenWindrose(const std::string& directory,
                                              const std::string& manifest_text) {
  const StatusOr<Manifest> manifest = ParseManifest(manifest_text);
  if (!manifest.ok()) return Annotate(manifest.status(), kManifestFile);
  ASSIGN_OR_RETURN(const std::string text, ReadModelText(directory, kConfigFile, kMaxConfigBytes));
  if (HashOf(text) != manifest->config_hash) {
    return DataLoss("config.json: is not the one that windrose.json was written with");
  }
  Checkpoint checkpoint;
  checkpoint.directory_ = directory;
  ASSIGN_OR_RETURN(checkpoint.config_, ParseConfig(text));
  checkpoint.format_ = manifest->dtype;
  checkpoint.tokenizer_hash_ = manifest->tokenizer_hash;
  checkpoint.files_ = TensorFiles::OfManifest(directory, *manifest);
  RETURN_IF_ERROR(checkpoint.CheckTensors());
  RETURN_IF_ERROR(checkpoint.CheckFormats());
  RETURN_IF_ERROR(checkpoint.ComputeHash());
  return checkpoint;
}

Status Checkpoint::CheckTensors() const {
  const auto& places = files_->places();
  std::set<std::string, std::less<>> wanted;
  for (const TensorSpec& spec : TensorsOf(config_)) {
    const auto place = places.find(spec.name);
    if (place == places.end()) return NotFound("no file has tensor " + spec.name);
    if (place->second.shape != spec.shape) {
      return InvalidArgument(place->second.file + ": tensor " + spec.name +
                             ": config.json wants shape " + ShapeText(spec.shape) +
                             ", the file has " + ShapeText(place->second.shape));
    }
    wanted.insert(spec.name);
  }
  for (const auto& [name, place] : places) {
    if (!wanted.contains(name)) {
      return InvalidArgument(place.file + ": tensor " + name +
                             " is not part of a Mixtral of this config.json");
    }
  }
  return OkStatus();
}

Status Checkpoint::CheckFormats() const {
  for (LayerIndex layer{0}; layer.value() < config_.layers; ++layer) {
    RETURN_IF_ERROR(CheckIsPlain(*files_, LayerTensorName(layer, "block_sparse_moe.gate")));
    RETURN_IF_ERROR(CheckTakeTheSameRows(*files_, {LayerTensorName(layer, "self_attn.q_proj"),
                                                   LayerTensorName(layer, "self_attn.k_proj"),
                                                   LayerTensorName(layer, "self_attn.v_proj")}));
    for (ExpertId expert{0}; expert.value() < config_.experts; ++expert) {
      RETURN_IF_ERROR(CheckTakeTheSameRows(
          *files_, {ExpertTensorName(layer, expert, "w1"), ExpertTensorName(layer, expert, "w3")}));
    }
  }
  return OkStatus();
}

Status Checkpoint::ComputeHash() {
  ModelHasher hasher;
  hasher.Add(ToConfigJson(config_));
  WeightLoader loader(*files_);
  for (const TensorSpec& spec : TensorsOf(config_)) {
    const TensorPlace& place = files_->places().find(spec.name)->second;
    hasher.Add(spec.name);
    hasher.Add(NameOf(place.format));
    for (const uint64_t dimension : spec.shape) hasher.Add(dimension);
    if (place.hash) {
      hasher.Add(place.hash->high);
      hasher.Add(place.hash->low);
    } else if (IsNorm(spec) || IsGate(spec)) {
      ASSIGN_OR_RETURN(const WeightView view, loader.View(spec.name));
      const std::span<const std::byte> bytes(view.data, view.bytes());
      RETURN_IF_ERROR(Annotate(MakeMappedResident(bytes), place.file));
      hasher.Add(bytes);
    }
  }
  const Hash128 hash = hasher.Finish();
  model_hash_ = hash.Hex();
  model_hash_prefix_ = hash.high;
  return OkStatus();
}

StatusOr<std::string> Checkpoint::Tokenizer() const {
  StatusOr<std::string> bytes = ReadModelText(directory_, kTokenizerFile, kMaxTokenizerFileBytes);
  if (!tokenizer_hash_) return bytes;
  if (bytes.ok() && HashOf(*bytes) == *tokenizer_hash_) return bytes;
  if (!bytes.ok() && bytes.status().code() != StatusCode::kNotFound) return bytes;
  return DataLoss("tokenizer.model: the one that windrose.json was written with is not here");
}

const TensorPlace& Checkpoint::PlaceOf(const std::string& tensor) const {
  const auto place = files_->places().find(tensor);
  CHECK(place != files_->places().end());
  return place->second;
}

DType Checkpoint::FormatOf(const std::string& tensor) const { return PlaceOf(tensor).format; }

const std::string& Checkpoint::FileOf(const std::string& tensor) const {
  return PlaceOf(tensor).file;
}

StatusOr<CoordinatorWeights> Checkpoint::Coordinator() const {
  WeightLoader loader(*files_);
  CoordinatorWeights weights;
  ASSIGN_OR_RETURN(weights.embedding, loader.View(kEmbeddingTensor));
  for (LayerIndex layer{0}; layer.value() < config_.layers; ++layer) {
    ASSIGN_OR_RETURN(LayerWeights layer_weights, LoadLayer(layer, loader));
    weights.layers.push_back(layer_weights);
  }
  ASSIGN_OR_RETURN(weights.final_norm, loader.View(kFinalNormTensor));
  weights.head = weights.embedding;
  if (!config_.tied_embeddings) {
    ASSIGN_OR_RETURN(weights.head, loader.View(kHeadTensor));
  }
  weights.storage = std::move(loader).Storage();
  return weights;
}

StatusOr<ExpertWeights> Checkpoint::Experts(std::span<const ExpertId> experts) const {
  for (const ExpertId expert : experts) {
    if (expert.value() < config_.experts) continue;
    return InvalidArgument("expert " + std::to_string(expert.value()) +
                           " wanted, the model has experts 0 to " +
                           std::to_string(config_.experts - 1));
  }
  WeightLoader loader(*files_);
  std::map<std::pair<LayerIndex, ExpertId>, ExpertMatrices> held;
  for (LayerIndex layer{0}; layer.value() < config_.layers; ++layer) {
    for (const ExpertId expert : experts) {
      ASSIGN_OR_RETURN(const ExpertMatrices matrices, LoadExpert(layer, expert, loader));
      held[{layer, expert}] = matrices;
    }
  }
  return ExpertWeights(std::move(held), std::move(loader).Storage());
}

StatusOr<AllWeights> Checkpoint::All() const {
  WeightLoader loader(*files_);
  AllWeights weights;
  for (const auto& [name, place] : files_->places()) {
    ASSIGN_OR_RETURN(weights.views[name], loader.View(name));
  }
  weights.storage = std::move(loader).Storage();
  return weights;
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

}  // namespace windrose
