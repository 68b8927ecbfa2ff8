#include "coordinator/layers/activations.h"

#include <algorithm>

#include "common/base/check.h"

namespace windrose {

Activations::Activations(const MixtralConfig& config, size_t max_rows, Bf16Order order)
    : input(max_rows, std::max(config.hidden, config.heads * config.head_dim)),
      max_rows_(max_rows) {
  input.set_bf16_order(order);
  const size_t query = size_t{config.heads} * config.head_dim;
  const size_t key = size_t{config.kv_heads} * config.head_dim;
  buffers_.reserve(10);
  Add(hidden, config.hidden);
  Add(normed, config.hidden);
  Add(queries, query);
  Add(keys, key);
  Add(values, key);
  Add(attended, query);
  Add(projected, config.hidden);
  Add(scores, config.experts);
  Add(largest, config.heads);
  Add(sums, config.heads);
  Begin(0);
}

void Activations::Add(Rows& view, size_t cols) {
  buffers_.push_back({AlignedBuffer<float>(max_rows_ * cols), cols, &view});
}

void Activations::Begin(size_t row_count) {
  CHECK(row_count <= max_rows_);
  row_count_ = row_count;
  for (Buffer& buffer : buffers_) {
    *buffer.view = Rows(buffer.storage.data(), row_count, buffer.cols);
  }
}

}  // namespace windrose
