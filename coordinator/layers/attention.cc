#include "coordinator/layers/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/base/check.h"
#include "common/kernels/matmul.h"
#include "common/kernels/rows.h"

namespace windrose {
namespace {

// Rows of a tile: a block that was fetched for one of them is still near for the others.
constexpr uint32_t kTileRows = 8;
// Elements of a row-wise loop worth another thread.
constexpr size_t kGrainRows = 16;
// Products with keys and values that are: a few microseconds.
constexpr size_t kRangeProducts = 256 * 1024;

uint32_t TileCount(const BatchSpan& span) { return (span.row_count + kTileRows - 1) / kTileRows; }

}  // namespace

// Rows [first_row, first_row + row_count) of `span` for one key/value head.
struct Attention::Tile {
  const BatchSpan& span;
  uint32_t first_row;
  uint32_t row_count;
  size_t kv_head;

  uint32_t position(uint32_t row) const { return span.first_position + row - span.first_row; }
};

Attention::Attention(const MixtralConfig& config, const CoordinatorWeights& weights,
                     size_t max_positions, ThreadPool& pool)
    : config_(config),
      weights_(weights),
      pool_(pool),
      rotary_(config.head_dim, config.rope_theta,
              std::min<size_t>(max_positions, config.positions)),
      group_{config.heads / config.kv_heads, config.head_dim,
             1.0F / std::sqrt(static_cast<float>(config.head_dim))} {}

void Attention::Run(LayerIndex layer, const Batch& batch, KvCache& kv, Activations& act) const {
  const LayerWeights& weights = weights_.layers[layer.value()];
  RmsNorm(act.hidden, weights.input_norm, config_.norm_epsilon, act.normed, pool_);
  Project(weights, batch, act);
  Store(layer, batch, kv, act);
  Attend(layer, batch, kv, act);
  act.input.Assign(act.attended, weights.attention_output.dtype, pool_);
  MatMul(act.input, weights.attention_output, act.projected, pool_);
  AddTo(act.hidden.all(), act.projected.all());
}

void Attention::Project(const LayerWeights& weights, const Batch& batch, Activations& act) const {
  act.input.Assign(act.normed, weights.query.dtype, pool_);
  MatMul(act.input, weights.query, act.queries, pool_);
  MatMul(act.input, weights.key, act.keys, pool_);
  MatMul(act.input, weights.value, act.values, pool_);
  pool_.ParallelFor(act.row_count(), kGrainRows, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      rotary_.Rotate(act.queries.row(row), batch.positions[row]);
      rotary_.Rotate(act.keys.row(row), batch.positions[row]);
    }
  });
}

void Attention::Store(LayerIndex layer, const Batch& batch, KvCache& kv,
                      const Activations& act) const {
  for (const BatchSpan& span : batch.spans) {
    pool_.ParallelFor(span.row_count, kGrainRows, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        StoreRow(layer, span, static_cast<uint32_t>(i), kv, act);
      }
    });
  }
}

void Attention::StoreRow(LayerIndex layer, const BatchSpan& span, uint32_t index, KvCache& kv,
                         const Activations& act) const {
  const size_t dim = config_.head_dim;
  const uint32_t position = span.first_position + index;
  const BlockId block = span.blocks[position / KvCache::kBlockSize];
  const uint32_t place = position % KvCache::kBlockSize;
  const auto keys = act.keys.row(span.first_row + index);
  const auto values = act.values.row(span.first_row + index);
  for (size_t head = 0; head < config_.kv_heads; ++head) {
    const size_t first = head * dim;
    WriteCached(kv.type(), keys.subspan(first, dim), place, kv.Keys(layer, block, head));
    WriteCached(kv.type(), values.subspan(first, dim), place, kv.Values(layer, block, head));
  }
}

// As if each row saw all positions of its span; at least 1.
size_t Attention::Products(const Batch& batch) const {
  size_t pairs = 0;
  for (const BatchSpan& span : batch.spans) {
    pairs += size_t{span.row_count} * (span.first_position + span.row_count);
  }
  return std::max<size_t>(1, pairs * config_.heads * config_.head_dim * 2);
}

void Attention::Attend(LayerIndex layer, const Batch& batch, KvCache& kv, Activations& act) const {
  size_t tiles = 0;
  for (const BatchSpan& span : batch.spans) tiles += TileCount(span);
  const size_t heads = config_.kv_heads;
  const size_t grain = std::max<size_t>(1, kRangeProducts * tiles * heads / Products(batch));
  pool_.ParallelFor(tiles * heads, grain, [&](size_t begin, size_t end) {
    size_t first_item = 0;  // of the span
    for (const BatchSpan& span : batch.spans) {
      const size_t end_item = first_item + TileCount(span) * heads;
      for (size_t item = std::max(begin, first_item); item < std::min(end, end_item); ++item) {
        const auto tile = static_cast<uint32_t>((item - first_item) / heads);
        const uint32_t row = tile * kTileRows;
        AttendTile(
            layer,
            {span, span.first_row + row, std::min(kTileRows, span.row_count - row), item % heads},
            kv, act);
      }
      first_item = end_item;
    }
  });
}

AttentionState Attention::StateOf(size_t row, size_t kv_head, Activations& act) const {
  const size_t head = kv_head * group_.head_count;
  return {act.largest.row(row).data() + head, act.sums.row(row).data() + head,
          act.attended.row(row).data() + head * group_.head_dim};
}

void Attention::AttendTile(LayerIndex layer, const Tile& tile, KvCache& kv,
                           Activations& act) const {
  const uint32_t end_row = tile.first_row + tile.row_count;
  for (uint32_t row = tile.first_row; row < end_row; ++row) {
    ResetAttention(group_, StateOf(row, tile.kv_head, act));
  }
  const size_t query_offset = tile.kv_head * group_.head_count * group_.head_dim;
  const uint32_t last_block = tile.position(end_row - 1) / KvCache::kBlockSize;
  for (uint32_t index = 0; index <= last_block; ++index) {
    const BlockId block = tile.span.blocks[index];
    AttentionKeys cached{kv.type(), kv.Keys(layer, block, tile.kv_head),
                         kv.Values(layer, block, tile.kv_head)};
    if (index < last_block) {
      const BlockId next = tile.span.blocks[index + 1];
      cached.next_keys = kv.Keys(layer, next, tile.kv_head);
      cached.next_values = kv.Values(layer, next, tile.kv_head);
    }
    const uint32_t first_position = index * KvCache::kBlockSize;
    for (uint32_t row = tile.first_row; row < end_row; ++row) {
      if (tile.position(row) < first_position) continue;
      const uint32_t visible = tile.position(row) - first_position + 1;
      cached.count = std::min(visible, KvCache::kBlockSize);
      AttendBlock(group_, act.queries.row(row).data() + query_offset, cached,
                  StateOf(row, tile.kv_head, act));
      cached.next_keys = cached.next_values = nullptr;  // asked for by the first row
    }
  }
  for (uint32_t row = tile.first_row; row < end_row; ++row) {
    FinishAttention(group_, StateOf(row, tile.kv_head, act));
  }
}

}  // namespace windrose
