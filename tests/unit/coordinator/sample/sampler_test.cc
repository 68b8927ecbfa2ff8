#include "coordinator/sample/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/kernels/rows.h"

namespace windrose {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
const TokenHistory kNoHistory;

SamplingParams Greedy() {
  SamplingParams params;
  params.temperature = 0.0F;
  return params;
}

uint32_t SampleOnce(const std::vector<float>& logits, const SamplingParams& params,
                    uint64_t position = 0, const TokenHistory& history = kNoHistory) {
  SamplerWorkspace workspace(logits.size());
  return Sample(logits, params, history, position, workspace).value();
}

// How often each token is drawn over 20,000 positions.
std::vector<double> Shares(const std::vector<float>& logits, const SamplingParams& params) {
  constexpr uint64_t kDraws = 20'000;
  SamplerWorkspace workspace(logits.size());
  std::vector<double> shares(logits.size());
  for (uint64_t position = 0; position < kDraws; ++position) {
    shares[Sample(logits, params, kNoHistory, position, workspace).value()] += 1.0;
  }
  for (double& share : shares) share /= kDraws;
  return shares;
}

// How many tokens are drawn in so many draws; all must be allowed.
int64_t DrawnOf(const std::vector<bool>& allowed, const std::vector<float>& logits,
                const SamplingParams& params, uint64_t draws) {
  SamplerWorkspace workspace(logits.size());
  std::vector<bool> drawn(logits.size());
  for (uint64_t position = 0; position < draws; ++position) {
    const TokenId token = Sample(logits, params, kNoHistory, position, workspace);
    EXPECT_TRUE(allowed[token.value()]) << token.value();
    drawn[token.value()] = true;
  }
  return std::count(drawn.begin(), drawn.end(), true);
}

// What is drawn by definition, without penalties; what the sampler does besides is for speed.
uint32_t PlainlySampled(const std::vector<float>& logits, const SamplingParams& params,
                        uint64_t position) {
  std::vector<uint32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0U);
  std::stable_sort(ids.begin(), ids.end(),
                   [&](uint32_t a, uint32_t b) { return logits[a] > logits[b]; });
  std::vector<float> shares;
  for (const float logit : logits) {
    shares.push_back((logit - logits[ids.front()]) / params.temperature);
  }
  ExpOfDifference(shares, 0.0F);
  const auto sum = [&shares](std::vector<uint32_t> some) {
    std::sort(some.begin(), some.end());
    double total = 0;
    for (const uint32_t id : some) total += double{shares[id]};
    return total;
  };
  if (params.top_k > 0) ids.resize(std::min<size_t>(params.top_k, ids.size()));
  const double enough = params.top_p < 1.0F ? double{params.top_p} * sum(ids) : INFINITY;
  double reached = double{shares[ids.front()]};
  size_t count = 1;
  while (count < ids.size() && reached < enough) reached += double{shares[ids[count++]]};
  ids.resize(count);
  std::erase_if(ids, [&](uint32_t id) { return shares[id] < params.min_p; });
  std::sort(ids.begin(), ids.end());
  std::erase_if(ids, [&](uint32_t id) { return shares[id] == 0.0F; });
  const double wanted = UniformAt(params.seed, position) * sum(ids);
  double passed = 0;
  for (const uint32_t id : ids) {
    passed += double{shares[id]};
    if (passed > wanted) return id;
  }
  return ids.back();
}

// Few different values, so that many are equal, some impossible, and a best one at `best`.
std::vector<float> SteppedLogits(size_t vocabulary, size_t best) {
  std::vector<float> logits(vocabulary);
  for (size_t i = 0; i < vocabulary; ++i) {
    logits[i] = std::floor(static_cast<float>(20.0 * UniformAt(8, i))) / 5.0F;
    if (i % 9 == 4) logits[i] = kImpossible;
  }
  logits[best] = 4.5F;
  return logits;
}

std::vector<SamplingParams> ManyCuts() {
  std::vector<SamplingParams> all;
  for (const uint32_t top_k : {0U, 1U, 2U, 40U, 299U, 300U, 301U, 5000U}) {
    for (const float top_p : {1.0F, 0.9F, 0.2F, 1e-6F}) {
      for (const float min_p : {0.0F, 0.1F, 1.0F}) {
        SamplingParams& params = all.emplace_back();
        params.temperature = 0.8F;
        params.top_k = top_k;
        params.top_p = top_p;
        params.min_p = min_p;
        params.seed = 5;
      }
    }
  }
  return all;
}

TEST(Sampler, DrawsWhatTheDefinitionSays) {
  for (const uint32_t vocabulary : {1U, 3U, 300U, 3000U}) {
    for (const SamplingParams& params : ManyCuts()) {
      const size_t best = std::clamp(params.top_k, 1U, vocabulary) - 1;
      const std::vector<float> logits = SteppedLogits(vocabulary, best);
      for (uint64_t position = 0; position < 8; ++position) {
        ASSERT_EQ(SampleOnce(logits, params, position), PlainlySampled(logits, params, position))
            << vocabulary << " tokens, top_k " << params.top_k << ", top_p " << params.top_p
            << ", min_p " << params.min_p << ", position " << position;
      }
    }
  }
}

TEST(Sampler, GreedyTakesTheLargestAndTiesGoToTheLowerId) {
  EXPECT_EQ(SampleOnce({0.0F, 3.0F, 1.0F}, Greedy()), 1U);
  EXPECT_EQ(SampleOnce({0.0F, 3.0F, 3.0F, 3.0F}, Greedy()), 1U);
  EXPECT_EQ(SampleOnce({-7.0F}, Greedy()), 0U);
}

TEST(Sampler, DrawsWithTheProbabilitiesOfTheLogits) {
  SamplingParams params;
  params.seed = 1;
  const std::vector<double> shares =
      Shares({std::log(1.0F), std::log(2.0F), std::log(5.0F), kImpossible}, params);
  EXPECT_NEAR(shares[0], 0.125, 0.01);
  EXPECT_NEAR(shares[1], 0.25, 0.01);
  EXPECT_NEAR(shares[2], 0.625, 0.01);
  EXPECT_EQ(shares[3], 0.0);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  SamplingParams params;
  params.temperature = 0.5F;
  EXPECT_NEAR(Shares({0.0F, std::log(3.0F)}, params)[1], 0.9, 0.01);
  params.temperature = 2.0F;
  EXPECT_NEAR(Shares({0.0F, std::log(9.0F)}, params)[1], 0.75, 0.01);
}

TEST(Sampler, TopKKeepsTheBestAndTiesGoToTheLowerId) {
  SamplingParams params;
  params.top_k = 2;
  const std::vector<double> shares = Shares({1.0F, 2.0F, 1.0F, 1.0F}, params);
  EXPECT_GT(shares[0], 0.2);
  EXPECT_GT(shares[1], 0.6);
  EXPECT_EQ(shares[2] + shares[3], 0.0);
}

TEST(Sampler, TopKAgreesWithASortOfEverything) {
  for (const uint32_t top_k : {1U, 40U, 1024U, 1025U, 4999U}) {
    std::vector<float> logits(5000);
    std::vector<std::pair<float, uint32_t>> order;
    for (uint32_t i = 0; i < logits.size(); ++i) {
      logits[i] = std::floor(static_cast<float>(500.0 * UniformAt(7, i)));  // with many ties
      if (i % 7 == 0) logits[i] = kImpossible;
      order.push_back({-logits[i], i});
      logits[i] /= 100.0F;
    }
    std::sort(order.begin(), order.end());
    std::vector<bool> allowed(logits.size());
    for (uint32_t rank = 0; rank < top_k; ++rank) allowed[order[rank].second] = true;
    SamplingParams params;
    params.top_k = top_k;
    params.temperature = 4.0F;
    EXPECT_GT(DrawnOf(allowed, logits, params, 2000), std::min(top_k, 1000U) * 8 / 10);
  }
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  const std::vector<float> logits = {std::log(0.1F), std::log(0.5F), std::log(0.3F),
                                     std::log(0.1F)};
  SamplingParams params;
  params.top_p = 0.75F;
  std::vector<double> shares = Shares(logits, params);
  EXPECT_NEAR(shares[1], 0.625, 0.015);
  EXPECT_EQ(shares[0] + shares[3], 0.0);
  params.top_p = 0.85F;  // one of the two equal ones: the lower id
  shares = Shares(logits, params);
  EXPECT_GT(shares[0], 0.05);
  EXPECT_EQ(shares[3], 0.0);
  params.top_p = 1e-9F;  // at least one always stays
  EXPECT_EQ(Shares(logits, params)[1], 1.0);
  params.top_p = 0.0F;
  EXPECT_EQ(Shares(logits, params)[1], 1.0);
}

TEST(Sampler, TopPAgreesWithASortOfEverything) {
  std::vector<float> logits(5000);
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<float>(8.0 * UniformAt(7, i));
  }
  std::vector<std::pair<double, uint32_t>> order;
  double total = 0;
  for (uint32_t i = 0; i < logits.size(); ++i) {
    order.push_back({-std::exp(double{logits[i]}), i});
    total -= order.back().first;
  }
  std::sort(order.begin(), order.end());
  SamplingParams params;
  params.top_p = 0.3F;
  double reached = 0;
  std::vector<bool> allowed(logits.size());
  for (const auto& [negative, id] : order) {
    if (reached >= 0.3 * total) break;
    reached -= negative;
    allowed[id] = true;
  }
  const auto allowed_count = std::count(allowed.begin(), allowed.end(), true);
  EXPECT_GT(DrawnOf(allowed, logits, params, 5000), allowed_count * 9 / 10);
}

TEST(Sampler, MinPKeepsWhatIsLikelyEnoughBesideTheBest) {
  SamplingParams params;
  params.min_p = 0.3F;
  const std::vector<double> shares =
      Shares({std::log(0.5F), std::log(0.2F), std::log(0.1F)}, params);
  EXPECT_NEAR(shares[0], 5.0 / 7.0, 0.015);
  EXPECT_EQ(shares[2], 0.0);
}

TEST(Sampler, DrawDependsOnSeedAndPositionOnly) {
  std::vector<float> logits(300);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(UniformAt(3, i));
  SamplingParams params;
  params.seed = 42;
  SamplerWorkspace workspace(logits.size());
  std::vector<uint32_t> forward;
  for (uint64_t position = 0; position < 50; ++position) {
    forward.push_back(Sample(logits, params, kNoHistory, position, workspace).value());
  }
  for (uint64_t position = 50; position-- > 0;) {
    EXPECT_EQ(SampleOnce(logits, params, position), forward[position]);
  }
  params.seed = 43;
  std::vector<uint32_t> other;
  for (uint64_t position = 0; position < 50; ++position) {
    other.push_back(SampleOnce(logits, params, position));
  }
  EXPECT_NE(forward, other);
}

TEST(Sampler, LogitBiasForcesAndForbids) {
  SamplingParams params = Greedy();
  // 3 and 9 are not in the vocabulary.
  params.logit_bias = {{TokenId{2}, 100.0F}, {TokenId{3}, 100.0F}, {TokenId{9}, 100.0F}};
  EXPECT_EQ(SampleOnce({5.0F, 4.0F, -3.0F}, params), 2U);
  params.logit_bias = {{TokenId{0}, -100.0F}};
  EXPECT_EQ(SampleOnce({5.0F, 4.0F, -3.0F}, params), 1U);
}

TEST(Sampler, RepetitionPenaltyLooksAtPromptAndAnswer) {
  TokenHistory history;
  history.AddPrompt(TokenId{0});
  SamplingParams params = Greedy();
  params.repetition_penalty = 2.0F;
  EXPECT_EQ(SampleOnce({5.0F, 3.0F}, params, 0, history), 1U);    // 5 / 2 < 3
  EXPECT_EQ(SampleOnce({-2.0F, -3.0F}, params, 0, history), 1U);  // -2 * 2 < -3
  EXPECT_EQ(SampleOnce({7.0F, 3.0F}, params, 0, history), 0U);
}

TEST(Sampler, PresenceAndFrequencyPenaltiesLookAtTheAnswerOnly) {
  TokenHistory history;
  history.AddPrompt(TokenId{0});
  SamplingParams params = Greedy();
  params.presence_penalty = 1.5F;
  params.frequency_penalty = 1.0F;
  EXPECT_EQ(SampleOnce({5.0F, 4.0F}, params, 0, history), 0U);
  history.AddGenerated(TokenId{0});
  EXPECT_EQ(SampleOnce({5.0F, 4.0F}, params, 0, history), 1U);
  EXPECT_EQ(SampleOnce({7.0F, 4.0F}, params, 0, history), 0U);  // 7 - 1.5 - 1 > 4
  history.AddGenerated(TokenId{0});
  history.AddGenerated(TokenId{0});
  EXPECT_EQ(SampleOnce({7.0F, 4.0F}, params, 0, history), 1U);  // 7 - 1.5 - 3 < 4
}

TEST(Sampler, EachPenaltyWorksAlone) {
  TokenHistory history;
  history.AddGenerated(TokenId{0});
  history.AddGenerated(TokenId{2});  // not in the vocabulary
  SamplingParams presence = Greedy();
  presence.presence_penalty = 1.5F;
  EXPECT_EQ(SampleOnce({5.0F, 4.0F}, presence, 0, history), 1U);
  SamplingParams frequency = Greedy();
  frequency.frequency_penalty = 1.5F;
  EXPECT_EQ(SampleOnce({5.0F, 4.0F}, frequency, 0, history), 1U);
}

TEST(Sampler, HopelessLogitsGiveTheLowestId) {
  for (const float value : {kImpossible, std::nanf("")}) {
    EXPECT_EQ(SampleOnce(std::vector<float>(5, value), Greedy()), 0U);
    EXPECT_EQ(SampleOnce(std::vector<float>(5, value), SamplingParams()), 0U);
  }
  EXPECT_LT(SampleOnce(std::vector<float>(5, -100.0F), SamplingParams()), 5U);
}

TEST(Sampler, ExtremeNumbersStillGiveAPossibleToken) {
  const float huge = std::numeric_limits<float>::max();
  const float infinity = std::numeric_limits<float>::infinity();
  SamplingParams cold;
  cold.temperature = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(SampleOnce({1.0F, 1.0F + 1e-6F, 0.0F}, cold), 1U);
  EXPECT_EQ(SampleOnce({-huge, huge, 0.0F}, SamplingParams()), 1U);
  EXPECT_EQ(SampleOnce({0.0F, infinity, std::nanf("")}, SamplingParams()), 1U);
  SamplingParams hot;
  hot.temperature = huge;
  EXPECT_LT(SampleOnce({0.0F, 1.0F, kImpossible}, hot, 3), 2U);
  for (uint64_t position = 0; position < 200; ++position) {
    EXPECT_EQ(SampleOnce({kImpossible, 0.0F, kImpossible}, hot, position), 1U);
  }
}

TEST(Logprobs, AreOfTheUnmodifiedDistributionBestFirst) {
  const std::vector<float> logits = {std::log(0.1F), std::log(0.6F), std::log(0.3F)};
  SamplerWorkspace workspace(3);
  const LogprobResult result = Logprobs(logits, TokenId{0}, 2, workspace);
  EXPECT_EQ(result.chosen.id, TokenId{0});
  EXPECT_NEAR(result.chosen.logprob, std::log(0.1), 1e-6);
  ASSERT_EQ(result.top.size(), 2U);
  EXPECT_EQ(result.top[0].id, TokenId{1});
  EXPECT_NEAR(result.top[0].logprob, std::log(0.6), 1e-6);
  EXPECT_EQ(result.top[1].id, TokenId{2});
}

TEST(Logprobs, ChosenEqualsItsTopEntryToTheBit) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(9 * UniformAt(5, i));
  SamplerWorkspace workspace(logits.size());
  const TokenId best = Argmax(logits);
  const LogprobResult result = Logprobs(logits, best, 5, workspace);
  EXPECT_EQ(result.top[0].id, best);
  EXPECT_EQ(result.top[0].logprob, result.chosen.logprob);
}

TEST(Logprobs, TiesGoToTheLowerIdAndCountsAreBounded) {
  SamplerWorkspace workspace(4);
  const LogprobResult result = Logprobs(std::vector<float>(4, 2.0F), TokenId{3}, 9, workspace);
  ASSERT_EQ(result.top.size(), 4U);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(result.top[i].id, TokenId{i});
  EXPECT_NEAR(result.chosen.logprob, std::log(0.25), 1e-6);
  EXPECT_TRUE(Logprobs(std::vector<float>(4, 2.0F), TokenId{3}, 0, workspace).top.empty());
}

TEST(Logprobs, AreNumbersWhateverTheLogits) {
  SamplerWorkspace workspace(2);
  const LogprobResult hopeless =
      Logprobs(std::vector<float>(2, kImpossible), TokenId{1}, 1, workspace);
  EXPECT_NEAR(hopeless.chosen.logprob, std::log(0.5), 1e-6);
  const LogprobResult one =
      Logprobs(std::vector<float>{0.0F, kImpossible}, TokenId{1}, 1, workspace);
  EXPECT_EQ(one.chosen.logprob, kImpossible);
  EXPECT_EQ(one.top[0].logprob, 0.0F);
}

}  // namespace
}  // namespace windrose
