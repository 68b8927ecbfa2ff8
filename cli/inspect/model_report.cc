#include "cli/inspect/model_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "cli/cluster/expert_chain.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/tensor_names.h"

namespace windrose::cli {
namespace {

// A number with the largest unit that keeps it at 1 or above.
std::string Scaled(double value, double step, const std::array<const char*, 5>& units) {
  size_t unit = 0;
  while (value >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  std::array<char, 64> text{};
  const int decimals = unit == 0 ? 0 : value < 10 ? 2 : 1;
  std::snprintf(text.data(), text.size(), "%.*f %s", decimals, value, units[unit]);
  std::string result = text.data();
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

std::string FormatSize(uint64_t bytes) {
  return Scaled(static_cast<double>(bytes), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

DType FormatOf(const TensorSpec& tensor, const ModelReport& report, const ReportOptions& options) {
  if (options.stored_format) return options.stored_format(tensor);
  const DType plain = IsPacked(report.dtype) ? report.config.dtype : report.dtype;
  return StoredFormat(tensor, report.dtype, plain);
}

// All experts are of one size.
void CountBytes(ModelReport& report, const ReportOptions& options) {
  for (const TensorSpec& tensor : TensorsOf(report.config)) {
    const uint64_t bytes = StoredBytes(tensor.shape, FormatOf(tensor, report, options));
    report.total_bytes += bytes;
    if (!tensor.of_expert) report.coordinator_bytes += bytes;
  }
  report.expert_bytes = (report.total_bytes - report.coordinator_bytes) / report.config.experts;
}

void CountParameters(ModelReport& report) {
  uint64_t of_experts = 0;
  for (const TensorSpec& tensor : TensorsOf(report.config)) {
    uint64_t count = 1;
    for (const uint64_t extent : tensor.shape) count *= extent;
    (tensor.of_expert ? of_experts : report.coordinator_parameters) += count;
  }
  report.parameters = of_experts + report.coordinator_parameters;
  report.expert_parameters = of_experts / report.config.experts;
  report.active_parameters =
      report.coordinator_parameters + report.expert_parameters * report.config.top_k;
}

void FitIntoMemory(ModelReport& report, const ReportOptions& options) {
  report.memory_bytes = options.memory_bytes;
  if (!options.memory_bytes) return;
  // A machine holds no expert twice.
  report.experts_in_memory =
      std::min<uint64_t>(*options.memory_bytes / report.expert_bytes, report.config.experts);
  if (report.experts_in_memory == 0) return;
  const uint64_t copies = uint64_t{report.config.experts} * options.replication;
  report.machines_for_experts = (copies + report.experts_in_memory - 1) / report.experts_in_memory;
}

void AppendLine(std::string& page, std::string_view name, const std::string& value) {
  constexpr size_t kNameWidth = 22;
  std::string padded(name);
  padded.resize(std::max(kNameWidth, padded.size() + 1), ' ');
  page += padded + value + "\n";
}

std::string Join(const std::vector<ExpertId>& experts) {
  std::string text;
  for (const ExpertId expert : experts) {
    if (!text.empty()) text += " ";
    text += std::to_string(expert.value());
  }
  return text;
}

void AppendShape(std::string& page, const MixtralConfig& config) {
  AppendLine(page, "layers", std::to_string(config.layers));
  AppendLine(page, "hidden", std::to_string(config.hidden));
  AppendLine(page, "attention heads",
             std::to_string(config.heads) + " of " + std::to_string(config.head_dim) + ", " +
                 std::to_string(config.kv_heads) + " for keys and values");
  AppendLine(page, "experts",
             std::to_string(config.experts) + " of width " + std::to_string(config.expert_width) +
                 ", " + std::to_string(config.top_k) + " for each token");
  AppendLine(page, "vocabulary", std::to_string(config.vocabulary));
  AppendLine(page, "context", std::to_string(config.positions) + " tokens");
}

void AppendMemory(std::string& page, const ModelReport& report) {
  if (!report.memory_bytes) return;
  page += "\nWith " + FormatSize(*report.memory_bytes) + " of memory for weights on each machine\n";
  const bool whole = report.total_bytes <= *report.memory_bytes;
  const bool coordinator = report.coordinator_bytes <= *report.memory_bytes;
  AppendLine(page, "  whole model", whole ? "fits" : "does not fit");
  AppendLine(page, "  coordinator", coordinator ? "fits" : "does not fit");
  AppendLine(page, "  experts on one", std::to_string(report.experts_in_memory));
  AppendLine(page, "  machines for experts",
             report.machines_for_experts == 0 ? "not even one expert fits"
                                              : std::to_string(report.machines_for_experts));
}

}  // namespace

std::string FormatCount(uint64_t count) {
  return Scaled(static_cast<double>(count), 1000, {"", "k", "M", "B", "T"});
}

StatusOr<ModelReport> DescribeModel(const MixtralConfig& config, const ReportOptions& options) {
  ModelReport report;
  report.config = config;
  report.dtype = options.dtype.value_or(config.dtype);
  CountParameters(report);
  CountBytes(report, options);
  ASSIGN_OR_RETURN(const auto experts_of,
                   ChainExperts(config.experts, options.workers, options.replication));
  for (const std::vector<ExpertId>& experts : experts_of) {
    report.workers.push_back({experts, experts.size() * report.expert_bytes});
  }
  FitIntoMemory(report, options);
  return report;
}

std::string FormatReport(const ModelReport& report) {
  std::string page;
  AppendShape(page, report.config);
  page += "\n";
  AppendLine(page, "parameters", FormatCount(report.parameters));
  AppendLine(page, "active per token", FormatCount(report.active_parameters));
  AppendLine(page, "number format", std::string(NameOf(report.dtype)));
  AppendLine(page, "all weights", FormatSize(report.total_bytes));
  AppendLine(page, "coordinator", FormatSize(report.coordinator_bytes));
  AppendLine(page, "one expert",
             FormatSize(report.expert_bytes) + " (" +
                 FormatSize(report.expert_bytes / report.config.layers) + " in each layer)");
  page += "\n";
  for (size_t worker = 0; worker < report.workers.size(); ++worker) {
    AppendLine(page, "worker-" + std::to_string(worker),
               FormatSize(report.workers[worker].bytes) + ", experts " +
                   Join(report.workers[worker].experts));
  }
  AppendMemory(page, report);
  return page;
}

}  // namespace windrose::cli
