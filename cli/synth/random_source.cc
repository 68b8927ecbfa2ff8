#include "cli/synth/random_source.h"

#include <algorithm>
#include <utility>

#include "cli/synth/random_weights.h"

namespace windrose::cli {

RandomSource::RandomSource(const MixtralConfig& config, uint64_t seed,
                           std::optional<std::string> tokenizer)
    : config_(config), seed_(seed), tokenizer_(std::move(tokenizer)), tensors_(TensorsOf(config)) {
  for (uint32_t index = 0; index < tensors_.size(); ++index) {
    index_of_[tensors_[index].name] = index;
  }
}

Status RandomSource::ReadRows(const std::string& tensor, size_t first, const Rows& out) const {
  const uint32_t index = index_of_.at(tensor);
  // FillWeights begins at multiples of four.
  const uint64_t begin = uint64_t{first} * out.cols;
  const auto extra = static_cast<size_t>(begin % 4);
  if (extra == 0) {
    FillWeights(tensors_[index], seed_, index, begin, out.all());
    return OkStatus();
  }
  std::vector<float> values(extra + out.all().size());
  FillWeights(tensors_[index], seed_, index, begin - extra, values);
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(extra), values.end(), out.all().begin());
  return OkStatus();
}

StatusOr<std::string> RandomSource::Tokenizer() const {
  if (tokenizer_) return *tokenizer_;
  return NotFound("random weights have no tokenizer");
}

StatusOr<std::vector<std::string>> RandomSource::Identity() const {
  return std::vector<std::string>{"random weights of seed " + std::to_string(seed_)};
}

}  // namespace windrose::cli
