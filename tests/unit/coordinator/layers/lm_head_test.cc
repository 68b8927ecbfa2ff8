#include "coordinator/layers/lm_head.h"

#include <gtest/gtest.h>

#include <vector>

#include "coordinator/layers/embedding.h"
#include "tests/unit/coordinator/layers/tiny_model.h"

namespace windrose {
namespace {

class LmHeadTest : public testing::Test {
 protected:
  LmHeadTest() {
    const TestSequence sequence(1, 12, model_.config().vocabulary, 0);
    Batch batch;
    AddSpan(sequence, 0, 12, batch);
    Embedding(model_.weights().embedding).Lookup(batch, act_);
  }

  TinyModel model_;
  ThreadPool pool_{2};
  Activations act_{model_.config(), 32};
  LmHead head_{model_.config(), model_.weights(), pool_};
};

TEST_F(LmHeadTest, GivesOneRowOfScoresPerWantedRow) {
  const std::vector<uint32_t> some = {3, 11};
  const Logits& logits = head_.Run(some, act_);
  EXPECT_EQ(logits.vocabulary, model_.config().vocabulary);
  EXPECT_EQ(logits.values.size(), 2U * model_.config().vocabulary);
}

TEST_F(LmHeadTest, RowHasTheSameBitsWhicheverRowsAreWanted) {
  const std::vector<uint32_t> all = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const Logits every = head_.Run(all, act_);
  for (const uint32_t row : all) {
    const Logits& alone = head_.Run(std::vector<uint32_t>{row}, act_);
    EXPECT_TRUE(std::equal(alone.row(0).begin(), alone.row(0).end(), every.row(row).begin()));
  }
}

TEST_F(LmHeadTest, NoRowsWantedGivesNoLogits) { EXPECT_TRUE(head_.Run({}, act_).values.empty()); }

}  // namespace
}  // namespace windrose
