#include "common/model/gguf_source.h"

#include <functional>
#include <map>
#include <set>

#include "common/model/gguf_config.h"
#include "common/model/gguf_files.h"
#include "common/model/gguf_tokenizer.h"
#include "common/model/strict_json.h"
#include "common/model/tensor_names.h"

namespace windrose {
namespace {

constexpr const char* kHead = "output.weight";

std::string ShapeText(const std::vector<uint64_t>& shape) {
  std::string text = "[";
  for (const uint64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

// "blk.3.attn_q.weight" for (3, "attn_q").
std::string BlockTensorName(LayerIndex layer, const std::string& part) {
  return "blk." + std::to_string(layer.value()) + "." + part + ".weight";
}

DType DTypeOf(GgufTensorType type) {
  if (type == GgufTensorType::kF32) return DType::kF32;
  return type == GgufTensorType::kF16 ? DType::kF16 : DType::kBf16;
}

// Where row `row` of a query or key matrix is in a GGUF file, for heads of `head_dim` rows. Hugging
// Face rotates row i of a head together with row i + head_dim / 2, the "llama" of GGUF together
// with its neighbour; so what converts to GGUF has moved row i of each head to 2i, and row
// i + head_dim / 2 to 2i + 1.
size_t InterleavedRow(size_t row, size_t head_dim) {
  const size_t within = row % head_dim;
  const size_t half = head_dim / 2;
  return row - within + within % half * 2 + within / half;
}

}  // namespace

struct GgufSource::Place {
  const MappedFile* file = nullptr;
  std::span<const std::byte> bytes;
  GgufTensorType type = GgufTensorType::kF32;
  std::vector<uint64_t> shape;  // outermost first
  size_t interleaved_rows = 0;  // of a head, whose rows are interleaved; 0 when none are

  size_t rows() const { return shape.size() == 2 ? shape[0] : 1; }
};

struct GgufSource::Tensors {
  std::shared_ptr<const GgufFiles> files;
  std::map<std::string, Place, std::less<>> places;  // by Hugging Face's names
  std::set<std::string, std::less<>> used;           // GGUF's names

  Status Add(const std::string& name, const std::string& gguf_name, size_t interleaved_rows = 0);
  Status AddLayer(LayerIndex layer, const MixtralConfig& config);
  Status AddExperts(LayerIndex layer, const MixtralConfig& config);
  Status AddMerged(const GgufFiles::Tensor& merged, LayerIndex layer, const std::string& matrix,
                   uint32_t experts);
  Status AddAll(const MixtralConfig& config);
  Status CheckAgainst(const MixtralConfig& config) const;
};

Status GgufSource::Tensors::Add(const std::string& name, const std::string& gguf_name,
                                size_t interleaved_rows) {
  const auto found = files->tensors().find(gguf_name);
  if (found == files->tensors().end()) return NotFound("no file has tensor " + gguf_name);
  const GgufFiles::Tensor& tensor = found->second;
  const std::vector<uint64_t>& sizes = tensor.info.sizes;
  places[name] = {tensor.file,
                  tensor.bytes(),
                  tensor.info.type,
                  {sizes.rbegin(), sizes.rend()},
                  interleaved_rows};
  used.insert(gguf_name);
  return OkStatus();
}

Status GgufSource::Tensors::AddLayer(LayerIndex layer, const MixtralConfig& config) {
  const struct {
    const char* part;
    const char* gguf_part;
    size_t interleaved_rows;
  } parts[] = {{"input_layernorm", "attn_norm", 0},
               {"self_attn.q_proj", "attn_q", config.head_dim},
               {"self_attn.k_proj", "attn_k", config.head_dim},
               {"self_attn.v_proj", "attn_v", 0},
               {"self_attn.o_proj", "attn_output", 0},
               {"post_attention_layernorm", "ffn_norm", 0},
               {"block_sparse_moe.gate", "ffn_gate_inp", 0}};
  for (const auto& [part, gguf_part, interleaved_rows] : parts) {
    RETURN_IF_ERROR(
        Add(LayerTensorName(layer, part), BlockTensorName(layer, gguf_part), interleaved_rows));
  }
  return AddExperts(layer, config);
}

// Newer files have one tensor for a matrix of all experts, older ones one for each expert.
Status GgufSource::Tensors::AddExperts(LayerIndex layer, const MixtralConfig& config) {
  constexpr std::pair<const char*, const char*> kMatrices[] = {
      {"w1", "ffn_gate"}, {"w2", "ffn_down"}, {"w3", "ffn_up"}};
  for (const auto& [matrix, part] : kMatrices) {
    const std::string merged_name = BlockTensorName(layer, std::string(part) + "_exps");
    const auto merged = files->tensors().find(merged_name);
    if (merged != files->tensors().end()) {
      RETURN_IF_ERROR(Annotate(AddMerged(merged->second, layer, matrix, config.experts),
                               merged->second.file->name() + ": tensor " + merged_name));
      used.insert(merged_name);
      continue;
    }
    for (ExpertId expert{0}; expert.value() < config.experts; ++expert) {
      const std::string of_expert = std::string(part) + "." + std::to_string(expert.value());
      RETURN_IF_ERROR(
          Add(ExpertTensorName(layer, expert, matrix), BlockTensorName(layer, of_expert)));
    }
  }
  return OkStatus();
}

// `merged` is [experts, outputs, inputs].
Status GgufSource::Tensors::AddMerged(const GgufFiles::Tensor& merged, LayerIndex layer,
                                      const std::string& matrix, uint32_t experts) {
  const std::vector<uint64_t>& sizes = merged.info.sizes;
  if (sizes.size() != 3 || sizes[2] != experts) {
    return InvalidArgument("wanted one matrix for each of " + std::to_string(experts) +
                           " experts, the file has " + ShapeText({sizes.rbegin(), sizes.rend()}));
  }
  const size_t bytes = merged.bytes().size() / experts;
  for (ExpertId expert{0}; expert.value() < experts; ++expert) {
    places[ExpertTensorName(layer, expert, matrix)] = {
        merged.file,
        merged.bytes().subspan(expert.value() * bytes, bytes),
        merged.info.type,
        {sizes[1], sizes[0]}};
  }
  return OkStatus();
}

Status GgufSource::Tensors::AddAll(const MixtralConfig& config) {
  RETURN_IF_ERROR(Add(kEmbeddingTensor, "token_embd.weight"));
  for (LayerIndex layer{0}; layer.value() < config.layers; ++layer) {
    RETURN_IF_ERROR(AddLayer(layer, config));
  }
  RETURN_IF_ERROR(Add(kFinalNormTensor, "output_norm.weight"));
  return config.tied_embeddings ? OkStatus() : Add(kHeadTensor, kHead);
}

Status GgufSource::Tensors::CheckAgainst(const MixtralConfig& config) const {
  for (const TensorSpec& spec : TensorsOf(config)) {
    const Place& place = places.find(spec.name)->second;  // AddAll adds what TensorsOf lists
    const std::string where = place.file->name() + ": tensor for " + spec.name;
    if (place.shape != spec.shape) {
      return InvalidArgument(where + ": the keys want shape " + ShapeText(spec.shape) +
                             ", the file has " + ShapeText(place.shape));
    }
    if (!CanDecode(place.type)) {
      return InvalidArgument(
          where + ": wanted F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K or Q6_K, the file has " +
          std::string(FormatOf(place.type)->name));
    }
  }
  for (const auto& [name, tensor] : files->tensors()) {
    if (!used.contains(name)) {
      return InvalidArgument(tensor.file->name() + ": tensor " + Quoted(name) +
                             " is not part of a Mixtral of these keys");
    }
  }
  return OkStatus();
}

StatusOr<GgufSource> GgufSource::Open(const std::string& path) {
  auto tensors = std::make_shared<Tensors>();
  ASSIGN_OR_RETURN(tensors->files, GgufFiles::Open(path));
  const std::string& first = tensors->files->files().front()->name();
  StatusOr<MixtralConfig> config = ReadGgufConfig(tensors->files->metadata());
  if (!config.ok()) return Annotate(config.status(), first);
  config->tied_embeddings = !tensors->files->tensors().contains(kHead);
  RETURN_IF_ERROR(Annotate(tensors->AddAll(*config), first));
  RETURN_IF_ERROR(tensors->CheckAgainst(*config));
  const std::string expert = ExpertTensorName(LayerIndex{0}, ExpertId{0}, "w1");
  config->dtype = DTypeOf(tensors->places.find(expert)->second.type);
  return GgufSource(*std::move(config), std::move(tensors));
}

std::vector<std::string> GgufSource::FileNames() const {
  std::vector<std::string> names;
  for (const auto& file : tensors_->files->files()) names.push_back(file->name());
  return names;
}

StatusOr<const GgufSource::Place*> GgufSource::Find(const std::string& name) const {
  const auto found = tensors_->places.find(name);
  if (found == tensors_->places.end()) return NotFound("the model has no tensor " + Quoted(name));
  return &found->second;
}

StatusOr<std::vector<uint64_t>> GgufSource::Shape(const std::string& name) const {
  ASSIGN_OR_RETURN(const Place* place, Find(name));
  return place->shape;
}

StatusOr<std::string_view> GgufSource::FormatName(const std::string& name) const {
  ASSIGN_OR_RETURN(const Place* place, Find(name));
  return FormatOf(place->type)->name;
}

StatusOr<std::string> GgufSource::FileName(const std::string& name) const {
  ASSIGN_OR_RETURN(const Place* place, Find(name));
  return place->file->name();
}

Status GgufSource::ReadRow(const std::string& name, size_t row, std::span<float> out) const {
  ASSIGN_OR_RETURN(const Place* place, Find(name));
  if (row >= place->rows() || out.size() != place->shape.back()) {
    return InvalidArgument("tensor " + name + ": row " + std::to_string(row) + " of " +
                           std::to_string(out.size()) + " numbers wanted, the shape is " +
                           ShapeText(place->shape));
  }
  const size_t in_file =
      place->interleaved_rows == 0 ? row : InterleavedRow(row, place->interleaved_rows);
  const size_t row_bytes = place->bytes.size() / place->rows();
  const auto blocks = place->bytes.subspan(in_file * row_bytes, row_bytes);
  RETURN_IF_ERROR(Annotate(MakeMappedResident(blocks), place->file->name() + ": tensor " + name));
  DecodeBlocks(place->type, blocks, out);
  return OkStatus();
}

void GgufSource::WillRead(const std::string& name) const {
  const StatusOr<const Place*> place = Find(name);
  if (place.ok()) PrefetchMapped((*place)->bytes);
}

void GgufSource::WasRead(const std::string& name) const {
  const StatusOr<const Place*> place = Find(name);
  if (place.ok()) ReleaseMapped((*place)->bytes);
}

StatusOr<std::string> GgufSource::TokenizerModel() const {
  StatusOr<std::string> model = GgufTokenizerModel(tensors_->files->metadata());
  if (!model.ok()) return Annotate(model.status(), tensors_->files->files().front()->name());
  return model;
}

std::string GgufSource::TokenizerWarning() const {
  const std::string warning = GgufTokenizerWarning(tensors_->files->metadata());
  return warning.empty() ? "" : tensors_->files->files().front()->name() + ": " + warning;
}

StatusOr<ChatTemplateFile> GgufSource::ChatTemplate() const {
  constexpr const char* kKey = "tokenizer.chat_template";
  const std::string& file = tensors_->files->files().front()->name();
  const StatusOr<std::string_view> text = tensors_->files->metadata().Text(kKey);
  if (!text.ok()) return Annotate(text.status(), file);
  if (text->empty()) return NotFound(file + ": " + kKey + " is empty");
  return ChatTemplateFile{file, std::string(*text)};
}

}  // namespace windrose
