#include "cli/inspect_command.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "cli/inspect/model_report.h"
#include "common/config/config_parser.h"
#include "common/model/chat_template_check.h"
#include "common/model/chat_template_file.h"
#include "common/model/checkpoint.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/config.h"
#include "common/model/manifest.h"
#include "common/model/mapped_file.h"
#include "common/model/tokenizer_file.h"

namespace windrose::cli {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;

struct InspectConfig {
  std::string directory;
  uint32_t workers = 4;
  uint32_t replication = 2;
  uint64_t memory_bytes = 0;
  std::string dtype = "model";
};

void AddFlags(ConfigParser& parser, InspectConfig& config) {
  parser.AddPositional("DIR", config.directory, "model directory", true);
  parser.Add("workers", config.workers, "how many workers share the experts", 1, 1024);
  parser.Add("replication", config.replication, "how many workers hold each expert", 1, 1024);
  parser.AddBytes("memory", config.memory_bytes,
                  "memory for weights of one machine, as 24GiB; 0B leaves the question out", 0,
                  uint64_t{1} << 50);
  parser.AddChoice("dtype", config.dtype, "number format to compute sizes for",
                   {"model", "bf16", "f16", "f32", "q8", "q4"});
}

// Nothing when the directory has a config and no weights.
StatusOr<std::optional<Checkpoint>> OpenWeights(const std::string& directory) {
  std::error_code error;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", kManifestFile,
                           kUnfinishedManifestFile}) {
    if (!std::filesystem::exists(directory + "/" + name, error)) continue;
    ASSIGN_OR_RETURN(Checkpoint checkpoint, Checkpoint::Open(directory));
    return std::optional<Checkpoint>(std::move(checkpoint));
  }
  return std::optional<Checkpoint>();
}

StatusOr<MixtralConfig> ReadConfig(const std::string& directory) {
  ASSIGN_OR_RETURN(const std::string json, ReadModelText(directory, kConfigFile, kMaxConfigBytes));
  StatusOr<MixtralConfig> config = ParseMixtralConfig(json);
  if (!config.ok()) return Annotate(config.status(), kConfigFile);
  return config;
}

// What can be said of the weights. A worker's machine may have its experts' files only.
StatusOr<std::string> DescribeWeights(const std::optional<Checkpoint>& checkpoint) {
  if (!checkpoint) return std::string("no weights here: sizes are computed from config.json");
  const Status all = checkpoint->All().status();
  if (!all.ok() && all.code() != StatusCode::kNotFound) return all;
  return (all.ok() ? "weights complete" : "weights in part (" + Message(all) + ")") +
         ", model hash " + checkpoint->model_hash();
}

// What a coordinator would say of it. A worker's machine needs none.
std::string DescribeTokenizer(const Checkpoint& checkpoint) {
  const StatusOr<std::string> bytes = checkpoint.Tokenizer();
  if (bytes.status().code() == StatusCode::kNotFound) {
    return "no tokenizer.model here, which a coordinator needs";
  }
  if (!bytes.ok()) return Message(bytes.status());
  const StatusOr<TokenizerFile> file = ParseTokenizerFile(*bytes);
  const Status status =
      file.ok() ? CheckVocabulary(*file, checkpoint.config().vocabulary) : file.status();
  return std::string(kTokenizerFile) + ": " +
         (status.ok() ? std::to_string(file->pieces.size()) + " pieces" : Message(status));
}

std::string DescribeChatTemplate(const std::string& directory) {
  const StatusOr<ChatTemplateFile> found = ReadChatTemplate(directory);
  const std::string warning = ChatTemplateWarning(found);
  if (!warning.empty()) return warning;
  return found.ok() ? found->file + ": a chat template of Mixtral-Instruct's kind"
                    : "no chat template here: chats get Mixtral-Instruct's, [INST] … [/INST]";
}

Status Inspect(const InspectConfig& config) {
  ASSIGN_OR_RETURN(const std::optional<Checkpoint> checkpoint, OpenWeights(config.directory));
  ASSIGN_OR_RETURN(const MixtralConfig model, checkpoint
                                                  ? StatusOr<MixtralConfig>(checkpoint->config())
                                                  : ReadConfig(config.directory));
  ReportOptions options;
  options.workers = config.workers;
  options.replication = config.replication;
  if (config.memory_bytes > 0) options.memory_bytes = config.memory_bytes;
  options.dtype = FormatNamed(config.dtype);
  if (checkpoint && !options.dtype) {
    options.dtype = checkpoint->format();
    options.stored_format = [&checkpoint](const TensorSpec& tensor) {
      return checkpoint->FormatOf(tensor.name);
    };
  }
  ASSIGN_OR_RETURN(const ModelReport report, DescribeModel(model, options));
  ASSIGN_OR_RETURN(const std::string weights, DescribeWeights(checkpoint));
  std::printf("%s: %s\n", config.directory.c_str(), weights.c_str());
  if (checkpoint) std::printf("%s\n", DescribeTokenizer(*checkpoint).c_str());
  std::printf("%s\n\n%s", DescribeChatTemplate(config.directory).c_str(),
              FormatReport(report).c_str());
  return OkStatus();
}

}  // namespace

int RunInspect(int argc, const char* const* argv) {
  InspectConfig config;
  ConfigParser parser("windrose inspect", "Describes a model directory and where it would fit.");
  AddFlags(parser, config);
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const Status status = Inspect(config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "windrose inspect: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace windrose::cli
