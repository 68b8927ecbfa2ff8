#include "cli/convert_command.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "cli/convert/conversion.h"
#include "cli/convert/open_source.h"
#include "cli/convert/progress_bar.h"
#include "cli/convert/tokenizer_check.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/model/chat_template_check.h"
#include "common/model/checkpoint.h"
#include "common/model/manifest.h"

namespace windrose::cli {
namespace {

struct ConvertConfig {
  std::string source;
  std::string destination;
  std::string dtype = "q4";
  uint32_t threads = 0;
};

void AddFlags(ConfigParser& parser, ConvertConfig& config) {
  parser.AddPositional("SRC", config.source, "model directory, or a file ending in .gguf", true);
  parser.AddPositional("DST", config.destination, "directory to write", true);
  parser.AddChoice("dtype", config.dtype, "number format of the matrices", {"bf16", "q8", "q4"});
  parser.Add("threads", config.threads,
             "threads that convert; 0 takes one for each processor that it may use, but no more "
             "than its CPU quota grants",
             0, 1024);
}

// Matrices are always packed, in bf16 too.
DType PackedFormat(const std::string& dtype) {
  return dtype == "bf16" ? DType::kPackedBf16 : *FormatNamed(dtype);
}

Status CheckPaths(const ConvertConfig& config) {
  std::error_code error;
  if (!std::filesystem::equivalent(config.source, config.destination, error)) return OkStatus();
  return InvalidArgument("SRC and DST are the same directory, " + config.source);
}

// What was written is opened as the programs will open it.
StatusOr<std::string> Describe(const std::string& directory) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(directory));
  RETURN_IF_ERROR(checkpoint.All().status());
  return directory + " is complete, model hash " + checkpoint.model_hash();
}

Status ConvertModel(const ConvertConfig& config) {
  RETURN_IF_ERROR(CheckPaths(config));
  ASSIGN_OR_RETURN(const std::unique_ptr<WeightSource> source, OpenSource(config.source));
  const Status tokenizer = CheckTokenizer(*source);
  if (tokenizer.code() == StatusCode::kNotFound) {
    std::cerr << "no tokenizer.model in " << config.source
              << ": put it into DST before a coordinator serves it\n";
  } else {
    RETURN_IF_ERROR(tokenizer);
  }
  for (const std::string& warning :
       {source->TokenizerWarning(), ChatTemplateWarning(source->ChatTemplate())}) {
    if (!warning.empty()) std::cerr << warning << "\n";
  }
  ConversionOptions options;
  options.destination = config.destination;
  options.dtype = PackedFormat(config.dtype);
  options.threads = config.threads;
  const SystemClock clock;
  ProgressBar bar(clock, std::cerr, ::isatty(STDERR_FILENO) == 1);
  const Status converted = Convert(*source, options, [&bar](uint64_t bytes, uint64_t total_bytes) {
    bar.Show(bytes, total_bytes);
  });
  bar.Clear();
  RETURN_IF_ERROR(converted);
  ASSIGN_OR_RETURN(const std::string description, Describe(config.destination));
  bar.End(description + ",");
  return OkStatus();
}

}  // namespace

int RunConvert(int argc, const char* const* argv) {
  ConvertConfig config;
  ConfigParser parser("windrose convert", "Writes a Windrose checkpoint in bf16, q8 or q4.");
  AddFlags(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const Status status = ConvertModel(config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "windrose convert: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace windrose::cli
