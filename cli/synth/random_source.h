// RandomSource: a model of random weights as a source for a checkpoint, without ever being on disk.
//
// The weights are those of WriteModel with the same shape and seed. Immutable: thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/convert/weight_source.h"
#include "common/model/tensor_names.h"

namespace windrose::cli {

class RandomSource final : public WeightSource {
 public:
  // `tokenizer`: the bytes of a tokenizer.model, or none.
  RandomSource(const MixtralConfig& config, uint64_t seed, std::optional<std::string> tokenizer);

  const MixtralConfig& config() const override { return config_; }
  DType FormatOf(const std::string& /*tensor*/) const override { return config_.dtype; }
  std::string FileOf(const std::string& /*tensor*/) const override { return "random weights"; }
  Status ReadRows(const std::string& tensor, size_t first, const Rows& out) const override;
  StatusOr<std::string> Tokenizer() const override;
  StatusOr<std::vector<std::string>> Identity() const override;

 private:
  const MixtralConfig config_;
  const uint64_t seed_;
  const std::optional<std::string> tokenizer_;
  const std::vector<TensorSpec> tensors_;
  std::map<std::string, uint32_t> index_of_;
};

}  // namespace windrose::cli
