#include "cli/synth_command.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>

#include "cli/synth/model_shapes.h"
#include "cli/synth/model_writer.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"

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
  parser.AddChoice("dtype", config.dtype, "number format", {"bf16", "f16", "f32"});
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
  parser.AddBytes("shard-size", config.output.shard_bytes, "longest weight file", 1 << 20,
                  uint64_t{1} << 40);
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
  shape.dtype = config.dtype == "f32"   ? DType::kF32
                : config.dtype == "f16" ? DType::kF16
                                        : DType::kBf16;
  // What we write must be what we read: the reader's rules decide.
  return ParseMixtralConfig(ToConfigJson(shape));
}

// Draws the bar again at most ten times a second, on a terminal only.
class ProgressBar {
 public:
  explicit ProgressBar(const Clock& clock)
      : clock_(clock), begin_(clock.Now()), terminal_(::isatty(STDERR_FILENO) == 1) {}

  void Show(uint64_t bytes, uint64_t total_bytes) {
    constexpr int kWidth = 30;
    const TimePoint now = clock_.Now();
    if (!terminal_ || now < next_) return;
    next_ = now + Milliseconds(100);
    const double share = static_cast<double>(bytes) / static_cast<double>(total_bytes);
    const double seconds = ToSeconds(now - begin_);
    const std::string bar(static_cast<size_t>(share * kWidth), '#');
    std::fprintf(stderr, "\r[%-*s] %3.0f %%, %.0f MB/s, %.0f s left\033[K", kWidth, bar.c_str(),
                 100 * share, static_cast<double>(bytes) / 1e6 / seconds,
                 seconds * (1 - share) / share);
  }

  void End(const std::string& directory) {
    if (terminal_) std::fputs("\r\033[K", stderr);
    std::fprintf(stderr, "%s written in %.1f s\n", directory.c_str(),
                 ToSeconds(clock_.Now() - begin_));
  }

 private:
  const Clock& clock_;
  TimePoint begin_;
  TimePoint next_;
  bool terminal_;
};

Status Synth(SynthConfig& config) {
  ASSIGN_OR_RETURN(config.output.config, ChosenShape(config));
  const SystemClock clock;
  ProgressBar bar(clock);
  RETURN_IF_ERROR(WriteModel(config.output, [&bar](uint64_t bytes, uint64_t total_bytes) {
    bar.Show(bytes, total_bytes);
  }));
  bar.End(config.output.directory);
  return OkStatus();
}

}  // namespace

int RunSynth(int argc, const char* const* argv) {
  SynthConfig config;
  ConfigParser parser("windrose-synth", "Writes a model of random weights, for measurements.");
  AddFlags(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const Status status = Synth(config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "windrose synth: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace windrose::cli
