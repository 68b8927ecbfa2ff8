#include "coordinator/layers/combine.h"

#include <gtest/gtest.h>

#include <vector>

namespace windrose {
namespace {

TEST(Combine, AddsWeightedOutputsOfEachRow) {
  GateOutput gate;
  gate.top_k = 2;
  gate.experts = {ExpertId{3}, ExpertId{1}, ExpertId{0}, ExpertId{7}};
  gate.weights = {0.75F, 0.25F, 0.5F, 0.5F};
  ExpertOutputs outputs;
  outputs.hidden = 2;
  outputs.rows = {4.0F, 8.0F, 16.0F, -4.0F, 2.0F, 2.0F, 6.0F, -2.0F};
  std::vector<float> hidden = {1.0F, 1.0F, 0.0F, 10.0F};
  Combine(gate, outputs, Rows(hidden, 2));
  EXPECT_EQ(hidden, (std::vector<float>{8.0F, 6.0F, 4.0F, 10.0F}));
}

TEST(Combine, AddsInRankOrder) {
  // 1e8 + 4 - 1e8 is 0 in f32 when the small one is added to the large one, and 4 otherwise.
  GateOutput gate;
  gate.top_k = 3;
  gate.experts = {ExpertId{0}, ExpertId{1}, ExpertId{2}};
  gate.weights = {1.0F, 1.0F, 1.0F};
  ExpertOutputs outputs;
  outputs.hidden = 1;
  outputs.rows = {1e8F, 3.0F, -1e8F};
  std::vector<float> hidden = {0.0F};
  Combine(gate, outputs, Rows(hidden, 1));
  EXPECT_EQ(hidden[0], (1e8F + 3.0F) - 1e8F);
  outputs.rows = {1e8F, -1e8F, 3.0F};
  hidden = {0.0F};
  Combine(gate, outputs, Rows(hidden, 1));
  EXPECT_EQ(hidden[0], 3.0F);
}

TEST(Combine, HasNothingToDoForNoRows) {
  GateOutput gate;
  gate.top_k = 2;
  ExpertOutputs outputs;
  outputs.hidden = 8;
  Combine(gate, outputs, Rows(nullptr, 0, 8));
}

}  // namespace
}  // namespace windrose
