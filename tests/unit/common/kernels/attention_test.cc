#include "common/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "tests/unit/common/kernels/cached_numbers.h"
#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

constexpr KvCacheType kTypes[] = {KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kQ8};

// One head's keys, or values, in blocks; and, as `exact`, the numbers that they stand for.
struct CachedVectors {
  CachedVectors(KvCacheType type, const std::vector<float>& vectors, size_t head_dim)
      : block_bytes(HeadBlockBytes(type, head_dim)), exact(vectors.size()) {
    const size_t positions = vectors.size() / head_dim;
    bytes.resize((positions + kAttentionBlock - 1) / kAttentionBlock * block_bytes, kUnwritten);
    for (size_t j = 0; j < positions; ++j) {
      const auto from = std::span(vectors).subspan(j * head_dim, head_dim);
      const auto to = std::span(exact).subspan(j * head_dim, head_dim);
      std::byte* block = bytes.data() + j / kAttentionBlock * block_bytes;
      WriteCached(type, from, j % kAttentionBlock, block);
      ReadCached(type, j % kAttentionBlock, block, to);
    }
  }

  const std::byte* Block(size_t block) const { return bytes.data() + block * block_bytes; }

  static constexpr std::byte kUnwritten{0xFF};  // NaN as f32 and as bf16
  size_t block_bytes;
  std::vector<std::byte> bytes;
  std::vector<float> exact;  // [positions, head_dim]
};

struct Problem {
  Problem(size_t heads, size_t head_dim, size_t positions_in, KvCacheType type_in)
      : type(type_in),
        group{heads, head_dim, 1.0F / std::sqrt(static_cast<float>(head_dim))},
        positions(positions_in),
        queries(RandomValues(heads * head_dim, 1)),
        keys(type, RandomValues(positions * head_dim, 2), head_dim),
        values(type, RandomValues(positions * head_dim, 3), head_dim) {
    for (float& query : queries) query *= 6.0F;  // some positions matter much more than others
  }

  void SetKey(size_t position, const std::vector<float>& key) {
    WriteCached(type, key, position % kAttentionBlock,
                keys.bytes.data() + position / kAttentionBlock * keys.block_bytes);
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
                  {type, keys.Block(block), values.Block(block),
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
        score += double{queries[head * group.head_dim + i]} * keys.exact[j * group.head_dim + i];
      }
      shares[j] = std::exp(score * double{group.scale});
      total += shares[j];
    }
    std::vector<double> out(group.head_dim);
    for (size_t j = 0; j < positions; ++j) {
      for (size_t i = 0; i < group.head_dim; ++i) {
        out[i] += shares[j] / total * values.exact[j * group.head_dim + i];
      }
    }
    return out;
  }

  KvCacheType type;
  AttentionGroup group;
  size_t positions;
  std::vector<float> queries;
  CachedVectors keys;
  CachedVectors values;
};

// The largest error of the outputs, which are at most 1.
double WorstError(const Problem& problem) {
  const size_t heads = problem.group.head_count;
  const size_t head_dim = problem.group.head_dim;
  const std::vector<float> out = problem.Attend(0, heads);
  double worst = 0;
  for (size_t head = 0; head < heads; ++head) {
    const std::vector<double> exact = problem.Exact(head);
    for (size_t i = 0; i < head_dim; ++i) {
      const double error = std::abs(double{out[head * head_dim + i]} - exact[i]);
      worst = std::isfinite(error) ? std::max(worst, error) : INFINITY;
    }
  }
  return worst;
}

void ExpectNearDouble(KvCacheType type, size_t heads, size_t head_dim) {
  for (const size_t positions : {1U, 2U, 15U, 16U, 17U, 31U, 100U}) {
    // Scores of at most ~100 carry a relative error of a few 1e-7.
    EXPECT_LE(WorstError(Problem(heads, head_dim, positions, type)), 5e-5)
        << heads << " heads of " << head_dim << ", " << positions << " positions, type "
        << static_cast<int>(type);
  }
}

TEST(Attention, MatchesDoublePrecisionOverOddShapes) {
  OnEachInstructionSet([](const std::string&) {
    for (const KvCacheType type : kTypes) {
      for (const size_t heads : {1U, 2U, 4U, 7U}) {
        for (const size_t head_dim : {2U, 10U, 16U, 32U, 128U}) {
          ExpectNearDouble(type, heads, head_dim);
        }
      }
    }
  });
}

TEST(Attention, HeadDoesNotDependOnTheHeadsBesideIt) {
  OnEachInstructionSet([](const std::string&) {
    for (const KvCacheType type : kTypes) {
      const Problem problem(7, 24, 77, type);
      const std::vector<float> together = problem.Attend(0, 7);
      for (size_t head = 0; head < 7; ++head) {
        const std::vector<float> alone = problem.Attend(head, 1);
        const auto begin = together.begin() + static_cast<ptrdiff_t>(head * 24);
        ASSERT_EQ(alone, std::vector<float>(begin, begin + 24)) << "head " << head;
      }
    }
  });
}

TEST(Attention, InstructionSetsWithFusedMultiplyAddAgreeToTheBit) {
  for (const KvCacheType type : kTypes) {
    for (const size_t head_dim : {10U, 128U}) {
      const Problem problem(7, head_dim, 75, type);
      ExpectSameBitsOnEachFusedSet([&] { return problem.Attend(0, 7); });
    }
  }
}

TEST(Attention, ScoresAreSummedInThePromisedOrder) {
  OnEachInstructionSet([](const std::string& name) {
    const size_t head_dim = 37;
    const Problem problem(5, head_dim, 1, KvCacheType::kF32);
    std::vector<float> largest(5);
    std::vector<float> sum(5);
    std::vector<float> weighted(5 * head_dim);
    const AttentionState state{largest.data(), sum.data(), weighted.data()};
    ResetAttention(problem.group, state);
    AttendBlock(problem.group, problem.queries.data(),
                {problem.type, problem.keys.Block(0), problem.values.Block(0), 1}, state);
    for (size_t head = 0; head < 5; ++head) {
      const auto query = problem.queries.begin() + static_cast<ptrdiff_t>(head * head_dim);
      const std::vector<float> alone(query, query + static_cast<ptrdiff_t>(head_dim));
      const float product = DotInPromisedOrder(alone, problem.keys.exact, IsFused(name));
      EXPECT_EQ(largest[head], product * problem.group.scale) << "head " << head;
    }
  });
}

TEST(Attention, DoesNotReadBeyondTheCount) {
  OnEachInstructionSet([](const std::string&) {
    for (const KvCacheType type : kTypes) {
      Problem problem(2, 20, 21, type);
      const std::vector<float> before = problem.Attend(0, 2);
      const std::vector<float> others = RandomValues(20, 9);
      for (size_t j = 21 % kAttentionBlock; j < kAttentionBlock; ++j) {
        WriteCached(type, others, j, problem.keys.bytes.data() + problem.keys.block_bytes);
        WriteCached(type, others, j, problem.values.bytes.data() + problem.values.block_bytes);
      }
      EXPECT_EQ(problem.Attend(0, 2), before);
    }
  });
}

bool IsNan(float value) { return std::isnan(value); }

// What damaged weights give must not turn into an answer.
TEST(Attention, ShowsANanKeyToAllHeads) {
  OnEachInstructionSet([](const std::string&) {
    for (const KvCacheType type : kTypes) {
      for (const size_t position : {0U, 3U, 16U, 31U, 34U}) {
        Problem problem(5, 20, 35, type);
        problem.SetKey(position, std::vector<float>(20, std::nanf("")));
        const std::vector<float> out = problem.Attend(0, 5);
        EXPECT_TRUE(std::all_of(out.begin(), out.end(), IsNan))
            << "position " << position << ", type " << static_cast<int>(type);
      }
    }
  });
}

TEST(Attention, ShowsANanQueryInItsHeadAlone) {
  OnEachInstructionSet([](const std::string&) {
    for (const KvCacheType type : kTypes) {
      for (size_t head = 0; head < 5; ++head) {
        Problem problem(5, 20, 35, type);
        std::vector<float> wanted = problem.Attend(0, 5);
        problem.queries[head * 20 + 7] = std::nanf("");
        std::vector<float> out = problem.Attend(0, 5);
        const auto own = out.begin() + static_cast<ptrdiff_t>(head * 20);
        EXPECT_TRUE(std::all_of(own, own + 20, IsNan))
            << "head " << head << ", type " << static_cast<int>(type);
        std::copy_n(wanted.begin() + (own - out.begin()), 20, own);
        EXPECT_EQ(out, wanted);
      }
    }
  });
}

// bf16 keeps 8 bits of a number, q8 a 254th of its vector's largest: with scores up to ~10, as
// here, the outputs' error stays within one or two hundredths of their size.
TEST(Attention, SmallFormatsStayNearF32) {
  const auto norm = [](const std::vector<double>& v) {
    double squares = 0;
    for (const double value : v) squares += value * value;
    return std::sqrt(squares);
  };
  const Problem whole(4, 128, 1000, KvCacheType::kF32);
  for (const KvCacheType type : {KvCacheType::kBf16, KvCacheType::kQ8}) {
    const std::vector<float> out = Problem(4, 128, 1000, type).Attend(0, 4);
    for (size_t head = 0; head < 4; ++head) {
      const std::vector<double> exact = whole.Exact(head);
      std::vector<double> error(128);
      for (size_t i = 0; i < 128; ++i) error[i] = double{out[head * 128 + i]} - exact[i];
      EXPECT_LE(norm(error) / norm(exact), type == KvCacheType::kBf16 ? 0.01 : 0.02);
    }
  }
}

}  // namespace
}  // namespace windrose
