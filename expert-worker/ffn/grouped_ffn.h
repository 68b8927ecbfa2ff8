// GroupedFfn: the experts of a Mixtral, y = w2 (silu(w1 x) * (w3 x)), for rows grouped by expert.
//
// Owned by main (or a simulation); used by one thread, which also owns `pool`. All rows of a tile
// go through one pass over the expert's weights; the workspace is that of one tile and is allocated
// once. A row's bits do not depend on its tile, on the other rows, or on the number of threads.
#pragma once

#include <cstddef>
#include <span>

#include "common/base/thread_pool.h"
#include "common/kernels/matmul.h"
#include "common/model/checkpoint.h"
#include "common/model/config.h"
#include "common/tensor/aligned_buffer.h"
#include "expert-worker/ffn/expert_function.h"

namespace windrose {

class GroupedFfn final : public ExpertFunction {
 public:
  // `weights` hold their experts for all layers of `config`. At most `tile_rows` (>= 1) rows share
  // a pass; more rows are several passes.
  GroupedFfn(const MixtralConfig& config, ExpertWeights weights, size_t tile_rows,
             ThreadPool& pool);

  size_t hidden_size() const override { return hidden_; }
  size_t layer_count() const override { return layer_count_; }
  bool Holds(ExpertId expert) const override;
  void Run(const ExpertPass& pass, ExpertId expert, std::span<const float> input,
           std::span<float> output) override;

 private:
  void RunTile(const ExpertMatrices& matrices, const ConstRows& input, const Rows& output);

  const size_t hidden_;
  const size_t width_;
  const size_t layer_count_;
  const size_t tile_rows_;
  const ExpertWeights weights_;
  ThreadPool& pool_;
  MatMulInput input_;           // [tile_rows, hidden] x
  MatMulInput inner_;           // [tile_rows, width] gated_
  AlignedBuffer<float> gated_;  // [tile_rows, width] silu(w1 x) * (w3 x)
  AlignedBuffer<float> up_;     // [tile_rows, width] w3 x, piece by piece
};

}  // namespace windrose
