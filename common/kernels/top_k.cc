#include "common/kernels/top_k.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "common/base/check.h"
#include "common/kernels/rows.h"

namespace windrose {
namespace {

float Comparable(float score) {
  if (std::isnan(score)) return -std::numeric_limits<float>::infinity();
  return std::min(score, std::numeric_limits<float>::max());
}

}  // namespace

void TopKGate(std::span<const float> scores, std::span<uint32_t> ids, std::span<float> weights) {
  CHECK(scores.size() <= kMaxGateExperts && ids.size() <= scores.size());
  CHECK(ids.size() == weights.size());
  std::array<float, kMaxGateExperts> storage;
  const std::span<float> probabilities(storage.data(), scores.size());
  std::transform(scores.begin(), scores.end(), probabilities.begin(), Comparable);
  Softmax(probabilities);
  float total = 0.0F;
  for (size_t rank = 0; rank < ids.size(); ++rank) {
    const auto best = std::max_element(probabilities.begin(), probabilities.end());
    ids[rank] = static_cast<uint32_t>(best - probabilities.begin());
    weights[rank] = *best;
    total += *best;
    *best = -1.0F;  // below every probability: not chosen again
  }
  for (float& weight : weights) weight /= total;
}

}  // namespace windrose
