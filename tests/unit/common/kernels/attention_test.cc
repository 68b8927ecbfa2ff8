#include "common/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

struct Problem {
  Problem(size_t heads, size_t head_dim, size_t positions_in)
      : group{heads, head_dim, 1.0F / std::sqrt(static_cast<float>(head_dim))},
        positions(positions_in),
        queries(RandomValues(heads * head_dim, 1)),
        keys(RandomValues(Blocks() * kAttentionBlock * head_dim, 2)),
        values(RandomValues(Blocks() * kAttentionBlock * head_dim, 3)) {
    for (float& query : queries) query *= 6.0F;  // some positions matter much more than others
  }

  size_t Blocks() const { return (positions + kAttentionBlock - 1) / kAttentionBlock; }

  // Heads [first, first + count) on their own.
  std::vector<float> Attend(size_t first, size_t count) const {
    AttentionGroup some = group;
    some.head_count = count;
    std::vector<float> largest(count);
    std::vector<float> sum(count);
    std::vector<float> out(count * group.head_dim);
    const AttentionState state{largest.data(), sum.data(), out.data()};
    ResetAttention(some, state);
    for (size_t block = 0; block < Blocks(); ++block) {
      const size_t offset = block * kAttentionBlock;
      AttendBlock(some, queries.data() + first * group.head_dim,
                  {keys.data() + offset * group.head_dim, values.data() + offset * group.head_dim,
                   std::min(kAttentionBlock, positions - offset)},
                  state);
    }
    FinishAttention(some, state);
    return out;
  }

  std::vector<double> Exact(size_t head) const {
    std::vector<double> shares(positions);
    double total = 0;
    for (size_t j = 0; j < positions; ++j) {
      double score = 0;
      for (size_t i = 0; i < group.head_dim; ++i) {
        score += double{queries[head * group.head_dim + i]} * keys[j * group.head_dim + i];
      }
      shares[j] = std::exp(score * double{group.scale});
      total += shares[j];
    }
    std::vector<double> out(group.head_dim);
    for (size_t j = 0; j < positions; ++j) {
      for (size_t i = 0; i < group.head_dim; ++i) {
        out[i] += shares[j] / total * values[j * group.head_dim + i];
      }
    }
    return out;
  }

  AttentionGroup group;
  size_t positions;
  std::vector<float> queries;
  std::vector<float> keys;
  std::vector<float> values;
};

TEST(Attention, MatchesDoublePrecisionOverOddShapes) {
  OnEachInstructionSet([](const std::string&) {
    for (const size_t heads : {1U, 2U, 4U, 7U}) {
      for (const size_t head_dim : {2U, 10U, 16U, 32U, 128U}) {
        for (const size_t positions : {1U, 2U, 15U, 16U, 17U, 31U, 100U}) {
          const Problem problem(heads, head_dim, positions);
          const std::vector<float> out = problem.Attend(0, heads);
          for (size_t head = 0; head < heads; ++head) {
            const std::vector<double> exact = problem.Exact(head);
            for (size_t i = 0; i < head_dim; ++i) {
              // Values are at most 1; scores of at most ~100 carry a relative error of a few 1e-7.
              ASSERT_NEAR(out[head * head_dim + i], exact[i], 5e-5)
                  << heads << " heads of " << head_dim << ", " << positions << " positions";
            }
          }
        }
      }
    }
  });
}

TEST(Attention, HeadDoesNotDependOnTheHeadsBesideIt) {
  OnEachInstructionSet([](const std::string&) {
    const Problem problem(7, 24, 77);
    const std::vector<float> together = problem.Attend(0, 7);
    for (size_t head = 0; head < 7; ++head) {
      const std::vector<float> alone = problem.Attend(head, 1);
      const auto begin = together.begin() + static_cast<ptrdiff_t>(head * 24);
      ASSERT_EQ(alone, std::vector<float>(begin, begin + 24)) << "head " << head;
    }
  });
}

TEST(Attention, DoesNotReadBeyondTheCount) {
  OnEachInstructionSet([](const std::string&) {
    Problem problem(2, 20, 21);
    const std::vector<float> before = problem.Attend(0, 2);
    std::fill(problem.keys.begin() + 21 * 20, problem.keys.end(), std::nanf(""));
    std::fill(problem.values.begin() + 21 * 20, problem.values.end(), std::nanf(""));
    EXPECT_EQ(problem.Attend(0, 2), before);
  });
}

}  // namespace
}  // namespace windrose
