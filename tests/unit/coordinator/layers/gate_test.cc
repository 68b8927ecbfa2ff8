#include "coordinator/layers/gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "common/tensor/convert.h"
#include "coordinator/layers/embedding.h"
#include "tests/unit/coordinator/layers/tiny_model.h"

namespace windrose {
namespace {

// weight * row / sqrt(mean square + epsilon).
std::vector<double> Normed(std::span<const float> row, const WeightView& weight, double epsilon) {
  std::vector<float> w(weight.cols);
  ReadWeightRow(weight, 0, w);
  double squares = 0;
  for (const float value : row) squares += double{value} * double{value};
  const double root = std::sqrt(squares / static_cast<double>(row.size()) + epsilon);
  std::vector<double> normed(row.size());
  for (size_t k = 0; k < row.size(); ++k) normed[k] = double{row[k]} * double{w[k]} / root;
  return normed;
}

TEST(Gate, ChoosesTheTwoLikeliestExpertsOfTheNormedRow) {
  const TinyModel model;
  ThreadPool pool(2);
  const TestSequence sequence(1, 30, model.config().vocabulary, 0);
  Batch batch;
  AddSpan(sequence, 0, 30, batch);
  Activations act(model.config(), 64);
  Embedding(model.weights().embedding).Lookup(batch, act);
  GateOutput output;
  Gate(model.config(), model.weights(), pool).Run(LayerIndex{1}, act, &output);
  ASSERT_EQ(output.row_count(), 30U);
  const LayerWeights& layer = model.weights().layers[1];
  const WeightView& gate = layer.gate;
  std::vector<float> w(gate.cols);
  for (size_t row = 0; row < 30; ++row) {
    const std::vector<double> normed =
        Normed(act.hidden.row(row), layer.post_attention_norm, double{model.config().norm_epsilon});
    std::vector<double> scores(8);
    for (size_t expert = 0; expert < 8; ++expert) {
      ReadWeightRow(gate, expert, w);
      for (size_t k = 0; k < w.size(); ++k) scores[expert] += normed[k] * double{w[k]};
    }
    std::vector<uint32_t> order(8);
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
    EXPECT_EQ(output.experts[2 * row], ExpertId{order[0]});
    EXPECT_EQ(output.experts[2 * row + 1], ExpertId{order[1]});
    const double first = 1.0 / (1.0 + std::exp(scores[order[1]] - scores[order[0]]));
    EXPECT_NEAR(output.weights[2 * row], first, 1e-5);
    EXPECT_NEAR(output.weights[2 * row] + output.weights[2 * row + 1], 1.0F, 1e-6);
  }
}

TEST(Gate, RowsChoiceDoesNotDependOnTheBatch) {
  const TinyModel model(DType::kBf16);
  ThreadPool pool(3);
  const TestSequence sequence(2, 30, model.config().vocabulary, 0);
  const auto choose = [&](uint32_t begin, uint32_t end) {
    Batch batch;
    AddSpan(sequence, begin, end, batch);
    Activations act(model.config(), 64);
    Embedding(model.weights().embedding).Lookup(batch, act);
    GateOutput output;
    Gate(model.config(), model.weights(), pool).Run(LayerIndex{0}, act, &output);
    return output;
  };
  const GateOutput all = choose(0, 30);
  for (uint32_t row = 0; row < 30; ++row) {
    const GateOutput alone = choose(row, row + 1);
    for (size_t rank = 0; rank < 2; ++rank) {
      EXPECT_EQ(alone.experts[rank], all.experts[2 * row + rank]);
      EXPECT_EQ(alone.weights[rank], all.weights[2 * row + rank]);
    }
  }
}

}  // namespace
}  // namespace windrose
