#include "common/kernels/top_k.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace windrose {
namespace {

struct Choice {
  std::vector<uint32_t> ids;
  std::vector<float> weights;
};

Choice Choose(const std::vector<float>& scores, size_t top_k) {
  Choice choice{std::vector<uint32_t>(top_k), std::vector<float>(top_k)};
  TopKGate(scores, choice.ids, choice.weights);
  return choice;
}

TEST(TopKGate, TakesTheLargestWithRenormalisedProbabilities) {
  const Choice choice = Choose({0.0F, 2.0F, -1.0F, 3.0F, 1.0F}, 2);
  EXPECT_EQ(choice.ids, (std::vector<uint32_t>{3, 1}));
  const double first = std::exp(3.0) / (std::exp(3.0) + std::exp(2.0));
  EXPECT_NEAR(choice.weights[0], first, 1e-6);
  EXPECT_NEAR(choice.weights[1], 1.0 - first, 1e-6);
}

TEST(TopKGate, TiesGoToTheLowerId) {
  EXPECT_EQ(Choose({1.0F, 5.0F, 5.0F, 5.0F}, 2).ids, (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(Choose(std::vector<float>(8, 0.25F), 3).ids, (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(Choose({7.0F, 9.0F, 7.0F}, 2).ids, (std::vector<uint32_t>{1, 0}));
}

TEST(TopKGate, AllExpertsMayBeChosen) {
  const Choice choice = Choose({-1.0F, 1.0F, 0.0F}, 3);
  EXPECT_EQ(choice.ids, (std::vector<uint32_t>{1, 2, 0}));
  EXPECT_NEAR(std::accumulate(choice.weights.begin(), choice.weights.end(), 0.0), 1.0, 1e-6);
}

TEST(TopKGate, OneExpertGetsAllWeight) {
  EXPECT_EQ(Choose({-80.0F}, 1).weights, std::vector<float>{1.0F});
}

TEST(TopKGate, NanIsNeverChosenBeforeANumber) {
  const float nan = std::nanf("");
  const Choice choice = Choose({nan, -3.0F, nan, -4.0F}, 2);
  EXPECT_EQ(choice.ids, (std::vector<uint32_t>{1, 3}));
  const Choice none = Choose({nan, nan, nan}, 2);
  EXPECT_EQ(none.ids, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(none.weights, (std::vector<float>{0.5F, 0.5F}));
}

TEST(TopKGate, InfinityIsMerelyTheLargestScore) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Choice choice = Choose({1e30F, infinity, infinity, infinity}, 2);
  EXPECT_EQ(choice.ids, (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(choice.weights, (std::vector<float>{0.5F, 0.5F}));
}

TEST(TopKGate, ScoresFarApartStillGiveDistinctExperts) {
  const float lowest = std::numeric_limits<float>::lowest();
  const Choice choice = Choose({lowest, 1e30F, lowest}, 2);
  EXPECT_EQ(choice.ids, (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(choice.weights, (std::vector<float>{1.0F, 0.0F}));
}

}  // namespace
}  // namespace windrose
