// ModelReport: the sizes of a model and of its parts. Pure functions of the config; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/config.h"
#include "common/model/tensor_names.h"
#include "common/tensor/dtype.h"

namespace windrose::cli {

struct ReportOptions {
  uint32_t workers = 4;
  uint32_t replication = 2;
  std::optional<uint64_t> memory_bytes;  // of one machine
  std::optional<DType> dtype;            // another than the model's own
  // What each tensor is stored in, when it is stored; else what a model of that dtype would have.
  std::function<DType(const TensorSpec& tensor)> stored_format;
};

struct WorkerShare {
  std::vector<ExpertId> experts;
  uint64_t bytes = 0;
};

struct ModelReport {
  MixtralConfig config;
  DType dtype = DType::kBf16;
  uint64_t parameters = 0;
  uint64_t active_parameters = 0;  // used for one token
  uint64_t coordinator_parameters = 0;
  uint64_t expert_parameters = 0;  // of one expert in all layers
  uint64_t coordinator_bytes = 0;
  uint64_t expert_bytes = 0;
  uint64_t total_bytes = 0;
  std::vector<WorkerShare> workers;
  // With a memory: how many whole experts fit, and how many machines the experts need.
  std::optional<uint64_t> memory_bytes;
  uint64_t experts_in_memory = 0;
  uint64_t machines_for_experts = 0;  // 0 when not even one expert fits
};

// INVALID_ARGUMENT when the workers and copies do not fit each other.
StatusOr<ModelReport> DescribeModel(const MixtralConfig& config, const ReportOptions& options);

// The report as a page of text.
std::string FormatReport(const ModelReport& report);

// "46.7 B", "7.74 M".
std::string FormatCount(uint64_t count);

}  // namespace windrose::cli
