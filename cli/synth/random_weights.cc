#include "cli/synth/random_weights.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/check.h"
#include "common/base/random.h"

namespace windrose::cli {
namespace {

constexpr size_t kValuesPerBlock = 4;
constexpr double kTwoTo31 = 2147483648.0;

}  // namespace

void FillWeights(const TensorSpec& tensor, uint64_t seed, uint32_t tensor_index, uint64_t first,
                 std::span<float> values) {
  DCHECK(first % kValuesPerBlock == 0);
  if (tensor.shape.size() < 2) {
    std::fill(values.begin(), values.end(), 1.0F);
    return;
  }
  // A uniform number in [-a, a) has variance a² / 3.
  const double limit = std::sqrt(3.0 / static_cast<double>(tensor.shape.back()));
  const auto scale = static_cast<float>(limit / kTwoTo31);
  uint64_t block = first / kValuesPerBlock;
  for (size_t begin = 0; begin < values.size(); begin += kValuesPerBlock, ++block) {
    const std::array<uint32_t, 4> bits = Philox(
        seed, {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), tensor_index, 0});
    const size_t count = std::min(kValuesPerBlock, values.size() - begin);
    for (size_t lane = 0; lane < count; ++lane) {
      values[begin + lane] = scale * static_cast<float>(static_cast<int32_t>(bits[lane]));
    }
  }
}

}  // namespace windrose::cli
