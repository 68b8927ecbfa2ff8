#include "cli/synth/model_writer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>
#include <vector>

#include "cli/synth/random_weights.h"
#include "cli/synth/shard_plan.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/safetensors_writer.h"
#include "common/model/tensor_names.h"

namespace windrose::cli {
namespace {

constexpr size_t kValuesPerStep = 1 << 18;

Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file ? OkStatus() : Unavailable("cannot write " + path);
}

Status PrepareDirectory(const SynthOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) return Unavailable("cannot create " + options.directory + ": " + error.message());
  for (const char* name : {kConfigFile, kManifestFile, kUnfinishedManifestFile}) {
    if (!std::filesystem::exists(options.directory + "/" + name, error)) continue;
    return AlreadyExists(options.directory + " already holds a model: " + name + " is there");
  }
  // What an earlier run, cut off, had begun in another number of files would be read first.
  std::filesystem::remove(options.directory + "/model.safetensors", error);
  if (error) return Unavailable("cannot replace a file: " + error.message());
  if (options.tokenizer.empty()) return OkStatus();
  std::filesystem::copy_file(options.tokenizer, options.directory + "/tokenizer.model",
                             std::filesystem::copy_options::overwrite_existing, error);
  if (!error) return OkStatus();
  return Unavailable("cannot copy " + options.tokenizer + ": " + error.message());
}

// Writes the shards one after the other and counts the bytes.
class ModelWriter {
 public:
  ModelWriter(const SynthOptions& options, const SynthProgress& on_progress)
      : options_(options), on_progress_(on_progress), tensors_(TensorsOf(options.config)) {
    for (const TensorSpec& tensor : tensors_) total_bytes_ += BytesOf(tensor, dtype());
  }

  Status Write() {
    const std::vector<Shard> shards = PlanShards(tensors_, dtype(), options_.shard_bytes);
    for (const Shard& shard : shards) RETURN_IF_ERROR(WriteShard(shard));
    if (shards.size() == 1) return OkStatus();
    return WriteText(options_.directory + "/model.safetensors.index.json",
                     IndexJson(tensors_, dtype(), shards));
  }

 private:
  DType dtype() const { return options_.config.dtype; }

  Status WriteShard(const Shard& shard) {
    std::vector<TensorToWrite> header;
    for (const uint32_t index : shard.tensors) {
      header.push_back({tensors_[index].name, dtype(), tensors_[index].shape});
    }
    ASSIGN_OR_RETURN(SafetensorsWriter writer,
                     SafetensorsWriter::Create(options_.directory + "/" + shard.file, header));
    for (const uint32_t index : shard.tensors) RETURN_IF_ERROR(WriteTensor(index, writer));
    return writer.Finish();
  }

  Status WriteTensor(uint32_t index, SafetensorsWriter& writer) {
    const uint64_t count = BytesOf(tensors_[index], dtype()) / SizeOf(dtype());
    std::vector<float> values(std::min<uint64_t>(count, kValuesPerStep));
    for (uint64_t first = 0; first < count; first += kValuesPerStep) {
      const auto step = static_cast<size_t>(std::min<uint64_t>(count - first, kValuesPerStep));
      const std::span<float> part(values.data(), step);
      FillWeights(tensors_[index], options_.seed, index, first, part);
      RETURN_IF_ERROR(writer.AppendValues(part, dtype()));
      written_bytes_ += step * SizeOf(dtype());
      on_progress_(written_bytes_, total_bytes_);
    }
    return OkStatus();
  }

  const SynthOptions& options_;
  const SynthProgress& on_progress_;
  const std::vector<TensorSpec> tensors_;
  uint64_t total_bytes_ = 0;
  uint64_t written_bytes_ = 0;
};

}  // namespace

Status WriteModel(const SynthOptions& options, const SynthProgress& on_progress) {
  RETURN_IF_ERROR(PrepareDirectory(options));
  RETURN_IF_ERROR(ModelWriter(options, on_progress).Write());
  // The config comes last: a directory that has one is complete.
  return WriteText(options.directory + "/config.json", ToConfigJson(options.config));
}

}  // namespace windrose::cli
