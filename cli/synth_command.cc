#include "cli/synth_command.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include "cli/convert/conversion.h"
#include "cli/convert/progress_bar.h"
#include "cli/synth/model_shapes.h"
#include "cli/synth/model_writer.h"
#include "cli/synth/random_source.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/model/manifest.h"
#include "common/model/mapped_file.h"
#include "common/model/tokenizer_file.h"

namespace windrose::cli {
namespace {

// A count of 0 keeps what the shape says.
struct SynthConfig {
  std::string like = "demo";
  std::string dtype = "bf16";
  uint32_t layers = 0;
  uint32_t hidden = 0;
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t experts = 0;
  uint32_t top_k = 0;
  uint32_t expert_width = 0;
  uint32_t vocabulary = 0;
  uint32_t positions = 0;
  SynthOptions output;
};

void AddFlags(ConfigParser& parser, SynthConfig& config) {
  constexpr uint32_t kMost = 1 << 20;
  parser.AddPositional("DIR", config.output.directory, "directory to write", true);
  parser.AddChoice("like", config.like, "shape to start from", ShapeNames());
  parser.AddChoice("dtype", config.dtype,
                   "number format; those packed as by convert: pbf16, q8, q4",
                   {"bf16", "f16", "f32", "pbf16", "q8", "q4"});
  parser.Add("layers", config.layers, "number of layers; 0 as in the shape", 0, kMost);
  parser.Add("hidden", config.hidden, "width of a row", 0, kMost);
  parser.Add("heads", config.heads, "attention heads", 0, kMost);
  parser.Add("kv-heads", config.kv_heads, "heads of keys and values", 0, kMost);
  parser.Add("head-dim", config.head_dim, "width of a head", 0, kMost);
  parser.Add("experts", config.experts, "experts in each layer", 0, kMost);
  parser.Add("top-k", config.top_k, "experts for each token", 0, kMost);
  parser.Add("expert-width", config.expert_width, "inner width of an expert", 0, kMost);
  parser.Add("vocabulary", config.vocabulary, "tokens of the vocabulary", 0, kMost);
  parser.Add("positions", config.positions, "longest context", 0, kMost);
  parser.Add("seed", config.output.seed, "the same seed gives the same bytes", 0, UINT64_MAX);
  parser.AddBytes("shard-size", config.output.shard_bytes,
                  "longest weight file; packed, each expert has one", 1 << 20, uint64_t{1} << 40);
  parser.Add("tokenizer", config.output.tokenizer, "a tokenizer.model to copy");
}

void Override(uint32_t& field, uint32_t value) {
  if (value > 0) field = value;
}

StatusOr<MixtralConfig> ChosenShape(const SynthConfig& config) {
  ASSIGN_OR_RETURN(MixtralConfig shape, ShapeNamed(config.like));
  Override(shape.layers, config.layers);
  Override(shape.hidden, config.hidden);
  Override(shape.heads, config.heads);
  Override(shape.kv_heads, config.kv_heads);
  Override(shape.head_dim, config.head_dim);
  Override(shape.experts, config.experts);
  Override(shape.top_k, config.top_k);
  Override(shape.expert_width, config.expert_width);
  Override(shape.vocabulary, config.vocabulary);
  Override(shape.positions, config.positions);
  const DType dtype = *FormatNamed(config.dtype);
  shape.dtype = IsPacked(dtype) ? DType::kBf16 : dtype;
  // What we write must be what we read: the reader's rules decide.
  return ParseMixtralConfig(ToConfigJson(shape));
}

StatusOr<std::optional<std::string>> ReadTokenizer(const std::string& path) {
  if (path.empty()) return std::optional<std::string>();
  const std::filesystem::path file(path);
  const std::string folder = file.parent_path().string();
  ASSIGN_OR_RETURN(std::string text,
                   ReadModelText(folder.empty() ? "." : folder, file.filename().string(),
                                 kMaxTokenizerFileBytes));
  return std::optional<std::string>(std::move(text));
}

// In a packed format, as `windrose convert` would have made it.
Status WriteCheckpoint(const SynthOptions& output, DType dtype, const SynthProgress& on_progress) {
  ASSIGN_OR_RETURN(std::optional<std::string> tokenizer, ReadTokenizer(output.tokenizer));
  const RandomSource source(output.config, output.seed, std::move(tokenizer));
  ConversionOptions options;
  options.destination = output.directory;
  options.dtype = dtype;
  return Convert(source, options, on_progress);
}

Status Synth(SynthConfig& config) {
  ASSIGN_OR_RETURN(config.output.config, ChosenShape(config));
  const DType dtype = *FormatNamed(config.dtype);
  const SystemClock clock;
  ProgressBar bar(clock, std::cerr, ::isatty(STDERR_FILENO) == 1);
  const SynthProgress on_progress = [&bar](uint64_t bytes, uint64_t total_bytes) {
    bar.Show(bytes, total_bytes);
  };
  const Status written = IsPacked(dtype) ? WriteCheckpoint(config.output, dtype, on_progress)
                                         : WriteModel(config.output, on_progress);
  bar.Clear();
  RETURN_IF_ERROR(written);
  bar.End(config.output.directory + " written");
  return OkStatus();
}

}  // namespace

int RunSynth(int argc, const char* const* argv) {
  SynthConfig config;
  ConfigParser parser("windrose synth", "Writes a model of random weights, for measurements.");
  AddFlags(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const Status status = Synth(config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "windrose synth: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace windrose::cli
