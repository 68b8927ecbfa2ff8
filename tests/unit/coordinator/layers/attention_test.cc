#include "coordinator/layers/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/tensor/convert.h"
#include "coordinator/layers/embedding.h"
#include "tests/unit/coordinator/layers/tiny_model.h"

namespace windrose {
namespace {

using Matrix = std::vector<std::vector<double>>;

// All layers' attentions, one after the other, without experts; hidden rows of the batch.
std::vector<std::vector<float>> Forward(const TinyModel& model, const Batch& batch, KvCache& kv,
                                        size_t threads) {
  ThreadPool pool(threads);
  Activations act(model.config(), 256);
  const Embedding embedding(model.weights().embedding);
  const Attention attention(model.config(), model.weights(), model.config().positions, pool);
  embedding.Lookup(batch, act);
  for (LayerIndex layer{0}; layer.value() < model.config().layers; ++layer) {
    attention.Run(layer, batch, kv, act);
  }
  std::vector<std::vector<float>> rows;
  for (size_t row = 0; row < act.row_count(); ++row) {
    const auto hidden = act.hidden.row(row);
    rows.emplace_back(hidden.begin(), hidden.end());
  }
  return rows;
}

Matrix Multiply(const Matrix& x, const WeightView& weight) {
  Matrix out(x.size(), std::vector<double>(weight.rows));
  std::vector<float> w(weight.cols);
  for (size_t o = 0; o < weight.rows; ++o) {
    ReadWeightRow(weight, o, w);
    for (size_t row = 0; row < x.size(); ++row) {
      for (size_t k = 0; k < w.size(); ++k) out[row][o] += x[row][k] * w[k];
    }
  }
  return out;
}

Matrix Norm(const Matrix& x, const WeightView& weight, double epsilon) {
  std::vector<float> w(weight.cols);
  ReadWeightRow(weight, 0, w);
  Matrix out = x;
  for (auto& row : out) {
    double squares = 0;
    for (const double value : row) squares += value * value;
    const double root = std::sqrt(squares / static_cast<double>(row.size()) + epsilon);
    for (size_t i = 0; i < row.size(); ++i) row[i] *= w[i] / root;
  }
  return out;
}

void Rotate(Matrix& rows, size_t dim, double theta) {
  for (size_t position = 0; position < rows.size(); ++position) {
    for (size_t head = 0; head < rows[position].size(); head += dim) {
      for (size_t i = 0; i < dim / 2; ++i) {
        const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(dim);
        const double angle = static_cast<double>(position) / std::pow(theta, exponent);
        double& a = rows[position][head + i];
        double& b = rows[position][head + dim / 2 + i];
        const double rotated = a * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + a * std::sin(angle);
        a = rotated;
      }
    }
  }
}

// The textbook form: all scores of a row, one softmax, one weighted sum.
Matrix Attend(const Matrix& q, const Matrix& k, const Matrix& v, const MixtralConfig& config) {
  const size_t dim = config.head_dim;
  Matrix out(q.size(), std::vector<double>(q[0].size()));
  for (size_t row = 0; row < q.size(); ++row) {
    for (size_t head = 0; head < config.heads; ++head) {
      const size_t kv_offset = head / (config.heads / config.kv_heads) * dim;
      std::vector<double> share(row + 1);
      double total = 0;
      for (size_t j = 0; j <= row; ++j) {
        double score = 0;
        for (size_t i = 0; i < dim; ++i) score += q[row][head * dim + i] * k[j][kv_offset + i];
        share[j] = std::exp(score / std::sqrt(static_cast<double>(dim)));
        total += share[j];
      }
      for (size_t j = 0; j <= row; ++j) {
        for (size_t i = 0; i < dim; ++i) {
          out[row][head * dim + i] += share[j] / total * v[j][kv_offset + i];
        }
      }
    }
  }
  return out;
}

Matrix ExactForward(const TinyModel& model, const TestSequence& sequence) {
  const MixtralConfig& config = model.config();
  Matrix hidden;
  std::vector<float> embedded(config.hidden);
  for (const TokenId token : sequence.tokens) {
    ReadWeightRow(model.weights().embedding, token.value(), embedded);
    hidden.emplace_back(embedded.begin(), embedded.end());
  }
  for (const LayerWeights& layer : model.weights().layers) {
    const Matrix normed = Norm(hidden, layer.input_norm, double{config.norm_epsilon});
    Matrix q = Multiply(normed, layer.query);
    Matrix k = Multiply(normed, layer.key);
    Rotate(q, config.head_dim, config.rope_theta);
    Rotate(k, config.head_dim, config.rope_theta);
    const Matrix mixed = Attend(q, k, Multiply(normed, layer.value), config);
    const Matrix output = Multiply(mixed, layer.attention_output);
    for (size_t row = 0; row < hidden.size(); ++row) {
      for (size_t i = 0; i < hidden[row].size(); ++i) hidden[row][i] += output[row][i];
    }
  }
  return hidden;
}

KvCache Cache(const TinyModel& model, KvCacheType type = KvCacheType::kF32) {
  return std::move(*KvCache::Create(model.config(), 128, type));
}

class AttentionOver : public testing::TestWithParam<KvCacheType> {};

INSTANTIATE_TEST_SUITE_P(Types, AttentionOver,
                         testing::Values(KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kQ8));

TEST(Attention, MatchesTheTextbookInDoublePrecision) {
  for (const DType dtype : {DType::kF32, DType::kBf16}) {
    const TinyModel model(dtype);
    const TestSequence sequence(1, 75, model.config().vocabulary, 2);
    KvCache kv = Cache(model);
    Batch batch;
    AddSpan(sequence, 0, 75, batch);
    const auto rows = Forward(model, batch, kv, 2);
    const Matrix exact = ExactForward(model, sequence);
    for (size_t row = 0; row < rows.size(); ++row) {
      for (size_t i = 0; i < rows[row].size(); ++i) {
        ASSERT_NEAR(rows[row][i], exact[row][i], 2e-5) << "row " << row;
      }
    }
  }
}

// What the formats cost: a number of bf16 is off by at most 1/256 of itself, one of q8 by at most
// 1/254 of its vector's largest.
TEST_P(AttentionOver, StaysNearF32) {
  const TinyModel model;
  const TestSequence sequence(7, 75, model.config().vocabulary, 2);
  KvCache kv = Cache(model, GetParam());
  Batch batch;
  AddSpan(sequence, 0, 75, batch);
  const auto rows = Forward(model, batch, kv, 2);
  const Matrix exact = ExactForward(model, sequence);
  double error = 0;
  double size = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 0; i < rows[row].size(); ++i) {
      error += std::pow(rows[row][i] - exact[row][i], 2);
      size += std::pow(exact[row][i], 2);
    }
  }
  EXPECT_LE(std::sqrt(error / size), GetParam() == KvCacheType::kF32 ? 1e-5 : 1e-2);
}

TEST_P(AttentionOver, ChunksOfThePromptChangeNoBit) {
  const TinyModel model;
  const TestSequence sequence(2, 71, model.config().vocabulary, 1);
  KvCache whole_kv = Cache(model, GetParam());
  Batch whole;
  AddSpan(sequence, 0, 71, whole);
  const auto wanted = Forward(model, whole, whole_kv, 1);
  for (const uint32_t chunk : {1U, 5U, 16U, 17U, 33U}) {
    KvCache kv = Cache(model, GetParam());
    for (uint32_t begin = 0; begin < 71; begin += chunk) {
      Batch batch;
      AddSpan(sequence, begin, std::min(begin + chunk, 71U), batch);
      const auto rows = Forward(model, batch, kv, 1 + chunk % 3);
      for (size_t i = 0; i < rows.size(); ++i) {
        ASSERT_EQ(rows[i], wanted[begin + i]) << "chunk " << chunk << ", row " << begin + i;
      }
    }
  }
}

TEST_P(AttentionOver, BatchMatesAndThreadsChangeNoBit) {
  const TinyModel model(DType::kBf16);
  const TestSequence first(3, 40, model.config().vocabulary, 0);
  const TestSequence second(4, 65, model.config().vocabulary, 1);
  const TestSequence third(5, 9, model.config().vocabulary, 2);
  KvCache alone_kv = Cache(model, GetParam());
  Batch alone;
  AddSpan(second, 0, 65, alone);
  const auto wanted = Forward(model, alone, alone_kv, 1);
  for (const size_t threads : {1U, 2U, 3U, 4U}) {
    KvCache kv = Cache(model, GetParam());
    Batch prompt;
    AddSpan(first, 0, 39, prompt);
    AddSpan(second, 0, 64, prompt);
    AddSpan(third, 0, 9, prompt);
    const auto rows = Forward(model, prompt, kv, threads);
    for (size_t i = 0; i < 64; ++i) ASSERT_EQ(rows[39 + i], wanted[i]);
    Batch decode;
    AddSpan(first, 39, 40, decode);
    AddSpan(second, 64, 65, decode);
    ASSERT_EQ(Forward(model, decode, kv, threads)[1], wanted[64]) << threads << " threads";
  }
}

TEST_P(AttentionOver, StaleValuesInABlockAreNotSeen) {
  const TinyModel model;
  const TestSequence sequence(6, 18, model.config().vocabulary, 0);
  KvCache clean = Cache(model, GetParam());
  KvCache dirty = Cache(model, GetParam());
  // All bits set are NaN as f32 and as bf16.
  const size_t bytes = KvCache::BlockBytes(model.config(), GetParam()) * 128;
  std::fill_n(dirty.Keys(LayerIndex{0}, BlockId{0}, 0), bytes, std::byte{0xFF});
  Batch batch;
  AddSpan(sequence, 0, 18, batch);
  EXPECT_EQ(Forward(model, batch, dirty, 2), Forward(model, batch, clean, 2));
}

}  // namespace
}  // namespace windrose
