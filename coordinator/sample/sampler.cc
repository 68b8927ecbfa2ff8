#include "coordinator/sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/kernels/rows.h"

namespace windrose {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

// Scores to compare: NaN is impossible, plus infinity is merely the largest.
float Comparable(float score) {
  if (std::isnan(score)) return kImpossible;
  return std::min(score, std::numeric_limits<float>::max());
}

// Higher score first; ties: lower id first.
struct Better {
  std::span<const float> scores;
  bool operator()(uint32_t a, uint32_t b) const {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  }
};

float Penalised(float score, const TokenHistory::Count& count, const SamplingParams& params) {
  // Repetition divides what is likely and multiplies what is not, so that both become less likely.
  score = score > 0.0F ? score / params.repetition_penalty : score * params.repetition_penalty;
  if (count.generated == 0) return score;
  return score - params.presence_penalty -
         params.frequency_penalty * static_cast<float>(count.generated);
}

void Adjust(const SamplingParams& params, const TokenHistory& history, std::span<float> scores) {
  for (const auto& [token, bias] : params.logit_bias) {
    if (token.value() < scores.size()) {
      scores[token.value()] = Comparable(scores[token.value()] + bias);
    }
  }
  const bool penalised = params.repetition_penalty != 1.0F || params.presence_penalty != 0.0F ||
                         params.frequency_penalty != 0.0F;
  if (!penalised) return;
  for (const auto& [token, count] : history.counts()) {
    if (token.value() >= scores.size()) continue;
    float& score = scores[token.value()];
    score = Comparable(Penalised(score, count, params));
  }
}

// Unnormalised probabilities, the largest 1.
void ScaledExponentials(std::span<const float> scores, float largest, float temperature,
                        std::span<float> out) {
  std::transform(scores.begin(), scores.end(), out.begin(),
                 [=](float score) { return (score - largest) / temperature; });
  ExpOfDifference(out, 0.0F);
}

// In order of position, in double: the same for the same input always.
double SumOver(std::span<const uint32_t> ids, std::span<const float> values) {
  double sum = 0;
  for (const uint32_t id : ids) sum += double{values[id]};
  return sum;
}

// A score that at least `count` tokens reach, and few others: the count-th best of the best scores
// of many piles, which vectors find.
float ReachedBy(size_t count, std::span<const float> scores, std::vector<float>& piles) {
  if (count > piles.size()) return kImpossible;
  std::fill(piles.begin(), piles.end(), kImpossible);
  for (size_t begin = 0; begin < scores.size(); begin += piles.size()) {
    const std::span<const float> layer =
        scores.subspan(begin, std::min(piles.size(), scores.size() - begin));
    for (size_t pile = 0; pile < layer.size(); ++pile) {
      piles[pile] = std::max(piles[pile], layer[pile]);
    }
  }
  const auto last = piles.begin() + static_cast<ptrdiff_t>(count) - 1;
  std::nth_element(piles.begin(), last, piles.end(), std::greater<>());
  return *last;
}

class Candidates {
 public:
  explicit Candidates(SamplerWorkspace& workspace) : workspace_(workspace) {
    ids().resize(workspace.scores.size());
    std::iota(ids().begin(), ids().end(), 0U);
  }

  void KeepTopK(uint32_t top_k) {
    if (top_k == 0 || top_k >= ids().size()) return;
    const float enough = ReachedBy(top_k, workspace_.scores, workspace_.piles);
    Keep([&](uint32_t id) { return workspace_.scores[id] >= enough; });
    std::nth_element(ids().begin(), ids().begin() + top_k, ids().end(), better());
    ids().resize(top_k);
    std::sort(ids().begin(), ids().end());
  }

  // The fewest best tokens whose probabilities reach `top_p`.
  void KeepTopP(float top_p) {
    if (top_p >= 1.0F) return;
    const double total = SumOver(ids(), probabilities());
    // Tokens this unlikely are, all together, below 1 - top_p: none of them is among the best.
    const double negligible = (1.0 - double{top_p}) * total / static_cast<double>(ids().size());
    Keep([&](uint32_t id) { return double{probabilities()[id]} >= negligible; });
    double reached = 0;
    size_t count = 0;
    size_t ranked = 0;
    while (count < ids().size() && (count == 0 || reached < double{top_p} * total)) {
      if (count == ranked) ranked = RankMore(ranked);
      reached += double{probabilities()[ids()[count++]]};
    }
    ids().resize(count);
    std::sort(ids().begin(), ids().end());
  }

  // Those at least `min_p` times as likely as the best, whose probability is 1 here.
  void KeepMinP(float min_p) {
    if (min_p > 0.0F) Keep([&](uint32_t id) { return probabilities()[id] >= min_p; });
  }

  // `uniform` in [0, 1). Ids stand in ascending order.
  TokenId Draw(double uniform) const {
    const double wanted = uniform * SumOver(ids(), probabilities());
    double reached = 0;
    uint32_t last_possible = ids().front();
    for (const uint32_t id : ids()) {
      if (probabilities()[id] <= 0.0F) continue;
      reached += double{probabilities()[id]};
      last_possible = id;
      if (reached > wanted) break;
    }
    return TokenId{last_possible};
  }

 private:
  std::vector<uint32_t>& ids() const { return workspace_.candidates; }
  std::span<const float> probabilities() const { return workspace_.probabilities; }
  // With the best `ranked` in order in front, puts the next best behind them, more each time.
  // Returns how many are in order now.
  size_t RankMore(size_t ranked) {
    const size_t wanted = std::min(4 * ranked + 64, ids().size());
    const auto begin = ids().begin() + static_cast<ptrdiff_t>(ranked);
    const auto end = ids().begin() + static_cast<ptrdiff_t>(wanted);
    std::nth_element(begin, end, ids().end(), better());
    std::sort(begin, end, better());
    return wanted;
  }
  Better better() const { return Better{workspace_.scores}; }

  template <class Predicate>
  void Keep(const Predicate& wanted) {
    ids().erase(
        std::remove_if(ids().begin(), ids().end(), [&](uint32_t id) { return !wanted(id); }),
        ids().end());
  }

  SamplerWorkspace& workspace_;
};

}  // namespace

SamplerWorkspace::SamplerWorkspace(size_t vocabulary)
    : scores(vocabulary), probabilities(vocabulary), piles(1024) {
  candidates.reserve(vocabulary);
}

TokenId Argmax(std::span<const float> logits) {
  size_t best = 0;
  float highest = kImpossible;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (logits[id] > highest) {
      best = id;
      highest = logits[id];
    }
  }
  return TokenId{static_cast<uint32_t>(best)};
}

TokenId Sample(std::span<const float> logits, const SamplingParams& params,
               const TokenHistory& history, uint64_t position, SamplerWorkspace& workspace) {
  CHECK(!logits.empty() && workspace.scores.size() == logits.size());
  const std::span<float> scores(workspace.scores);
  std::transform(logits.begin(), logits.end(), scores.begin(), Comparable);
  Adjust(params, history, scores);
  const TokenId best = Argmax(scores);
  const float largest = scores[best.value()];
  if (params.temperature <= 0.0F || largest == kImpossible) return best;
  ScaledExponentials(scores, largest, params.temperature, workspace.probabilities);
  Candidates candidates(workspace);
  candidates.KeepTopK(params.top_k);
  candidates.KeepTopP(params.top_p);
  candidates.KeepMinP(params.min_p);
  return candidates.Draw(UniformAt(params.seed, position));
}

LogprobResult Logprobs(std::span<const float> logits, TokenId chosen, uint32_t top_count,
                       SamplerWorkspace& workspace) {
  CHECK(chosen.value() < logits.size() && workspace.scores.size() == logits.size());
  const std::span<float> scores(workspace.scores);
  std::transform(logits.begin(), logits.end(), scores.begin(), Comparable);
  float largest = scores[Argmax(scores).value()];
  if (largest == kImpossible) {
    std::fill(scores.begin(), scores.end(), 0.0F);
    largest = 0.0F;
  }
  std::vector<uint32_t>& ids = workspace.candidates;
  ids.resize(scores.size());
  std::iota(ids.begin(), ids.end(), 0U);
  ScaledExponentials(scores, largest, 1.0F, workspace.probabilities);
  const double log_sum = std::log(SumOver(ids, workspace.probabilities));
  const auto logprob = [&](uint32_t id) {
    const double value = double{scores[id]} - double{largest} - log_sum;
    return TokenLogprob{TokenId{id}, static_cast<float>(value)};
  };
  const size_t count = std::min<size_t>(top_count, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(count), ids.end(),
                    Better{scores});
  LogprobResult result{logprob(chosen.value()), {}};
  for (size_t rank = 0; rank < count; ++rank) result.top.push_back(logprob(ids[rank]));
  return result;
}

}  // namespace windrose
