// A tiny random model, opened, and batches for it: for the layer tests. Test code only.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/model/checkpoint.h"
#include "coordinator/values/batch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose {

class TinyModel {
 public:
  explicit TinyModel(DType dtype = DType::kF32) {
    MixtralConfig config = TinyMixtralConfig();
    config.dtype = dtype;
    EXPECT_TRUE(WriteTinyMixtral(directory_.path(), config).ok());
    auto checkpoint = Checkpoint::Open(directory_.path());
    EXPECT_TRUE(checkpoint.ok());
    config_ = checkpoint->config();
    weights_ = *checkpoint->Coordinator();
  }

  const MixtralConfig& config() const { return config_; }
  const CoordinatorWeights& weights() const { return weights_; }

 private:
  TemporaryDirectory directory_;
  MixtralConfig config_;
  CoordinatorWeights weights_;
};

// A sequence of random tokens in blocks of its own, scattered over the cache.
struct TestSequence {
  TestSequence(uint64_t seed, uint32_t length, uint32_t vocabulary, uint32_t first_block) {
    for (uint32_t i = 0; i < length; ++i) {
      tokens.push_back(TokenId{static_cast<uint32_t>(BitsAt(seed, i) % vocabulary)});
    }
    for (uint32_t i = 0; i * 16 < length; ++i) blocks.push_back(BlockId{first_block + 3 * i});
  }
  std::vector<TokenId> tokens;
  std::vector<BlockId> blocks;
};

// Appends positions [begin, end) of `sequence` to `batch`, all logits wanted.
inline void AddSpan(const TestSequence& sequence, uint32_t begin, uint32_t end, Batch& batch) {
  BatchSpan span;
  span.first_row = static_cast<uint32_t>(batch.row_count());
  span.row_count = end - begin;
  span.first_position = begin;
  span.first_logit_row = span.first_row;
  span.blocks = sequence.blocks;
  for (uint32_t position = begin; position < end; ++position) {
    batch.logit_rows.push_back(static_cast<uint32_t>(batch.row_count()));
    batch.tokens.push_back(sequence.tokens[position]);
    batch.positions.push_back(position);
  }
  batch.spans.push_back(std::move(span));
}

}  // namespace windrose
