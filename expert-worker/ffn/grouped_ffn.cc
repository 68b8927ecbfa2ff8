#include "expert-worker/ffn/grouped_ffn.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace windrose {

GroupedFfn::GroupedFfn(const MixtralConfig& config, ExpertWeights weights, size_t tile_rows,
                       ThreadPool& pool)
    : hidden_(config.hidden),
      width_(config.expert_width),
      layer_count_(config.layers),
      tile_rows_(std::max<size_t>(tile_rows, 1)),
      weights_(std::move(weights)),
      pool_(pool),
      input_(tile_rows_, hidden_),
      inner_(tile_rows_, width_),
      gated_(tile_rows_ * width_),
      up_(tile_rows_ * width_) {}

bool GroupedFfn::Holds(ExpertId expert) const {
  return weights_.Find(LayerIndex(0), expert) != nullptr;
}

void GroupedFfn::Run(const ExpertPass& pass, ExpertId expert, std::span<const float> input,
                     std::span<float> output) {
  const ExpertMatrices* const matrices = weights_.Find(pass.layer, expert);
  CHECK(matrices != nullptr);
  CHECK(input.size() == output.size());
  input_.set_bf16_order(pass.order);
  inner_.set_bf16_order(pass.order);
  const size_t tile = tile_rows_ * hidden_;
  for (size_t begin = 0; begin < input.size(); begin += tile) {
    const size_t size = std::min(tile, input.size() - begin);
    RunTile(*matrices, ConstRows(input.subspan(begin, size), hidden_),
            Rows(output.subspan(begin, size), hidden_));
  }
}

void GroupedFfn::RunTile(const ExpertMatrices& matrices, const ConstRows& input,
                         const Rows& output) {
  const Rows gated(gated_.span().first(input.rows * width_), width_);
  const std::span<float> up = up_.span().first(input.rows * width_);
  input_.Assign(input, matrices.w1.dtype, pool_);
  MatMulSwiGlu(input_, {matrices.w1, matrices.w3}, gated, up, pool_);
  inner_.Assign(gated, matrices.w2.dtype, pool_);
  MatMul(inner_, matrices.w2, output, pool_);
}

}  // namespace windrose
