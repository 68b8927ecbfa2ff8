#include "common/kernels/attention.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/attention.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/dot_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

static_assert(kAttentionBlock == kLanes);

// scores[j] = query . key j, for `count` keys.
template <size_t kRows>
HWY_INLINE void ScoreHeads(const AttentionGroup& group, const float* queries,
                           const AttentionKeys& block, float* scores) {
  const TileRows rows{queries, group.head_dim};
  const size_t stride = group.head_dim * sizeof(float);
  const auto key = [&](size_t j) {
    return TileWeights{reinterpret_cast<const std::byte*>(block.keys + j * group.head_dim), stride};
  };
  size_t j = 0;
  for (; j + kTileOutputs <= block.count; j += kTileOutputs) {
    DotTile<DType::kF32, kRows, kTileOutputs>(rows, key(j), group.head_dim, scores + j, kLanes);
  }
  for (; j < block.count; ++j) {
    DotTile<DType::kF32, kRows, 1>(rows, key(j), group.head_dim, scores + j, kLanes);
  }
}

// Turns one head's scores into exp(score - largest); returns what the sums so far must be scaled
// by.
float TakeInScores(const AttentionGroup& group, size_t count, float* scores, float* largest,
                   float* sum) {
  float highest = *largest;
  for (size_t j = 0; j < count; ++j) {
    scores[j] *= group.scale;
    highest = std::max(highest, scores[j]);
  }
  std::fill(scores + count, scores + kLanes, -std::numeric_limits<float>::infinity());
  Lanes shares = LoadLanes(scores);
  const FloatVector shift = hn::Set(FloatTag(), highest);
  for (size_t p = 0; p < kParts; ++p) shares.part[p] = BoundedExp(hn::Sub(shares.part[p], shift));
  StoreLanes(shares, scores);
  const hn::CappedTag<float, 1> one;
  const float rescale = hn::GetLane(hn::Exp(one, hn::Set(one, *largest - highest)));
  *largest = highest;
  *sum = *sum * rescale + TreeSum(shares);
  return rescale;
}

// weighted = weighted * rescale + sum over j, ascending, of shares[j] * values[j].
void TakeInValues(const AttentionKeys& block, size_t head_dim, const float* shares, float rescale,
                  float* weighted) {
  const FloatVector scale = hn::Set(FloatTag(), rescale);
  size_t i = 0;
  for (; i + kLanes <= head_dim; i += kLanes) {
    Lanes sum = LoadLanes(weighted + i);
    for (size_t p = 0; p < kParts; ++p) sum.part[p] = hn::Mul(sum.part[p], scale);
    for (size_t j = 0; j < block.count; ++j) {
      const FloatVector share = hn::Set(FloatTag(), shares[j]);
      const Lanes value = LoadLanes(block.values + j * head_dim + i);
      for (size_t p = 0; p < kParts; ++p) {
        sum.part[p] = hn::MulAdd(share, value.part[p], sum.part[p]);
      }
    }
    StoreLanes(sum, weighted + i);
  }
  const hn::CappedTag<float, 1> one;
  for (; i < head_dim; ++i) {
    auto sum = hn::Mul(hn::Set(one, weighted[i]), hn::Set(one, rescale));
    for (size_t j = 0; j < block.count; ++j) {
      sum = hn::MulAdd(hn::Set(one, shares[j]), hn::Set(one, block.values[j * head_dim + i]), sum);
    }
    weighted[i] = hn::GetLane(sum);
  }
}

void AttendBlockOf(const AttentionGroup& group, const float* queries, const AttentionKeys& block,
                   const AttentionState& state) {
  HWY_ALIGN_MAX float scores[kTileRows * kLanes];
  size_t head = 0;
  while (head < group.head_count) {
    const size_t heads = head + kTileRows <= group.head_count ? kTileRows : 1;
    const float* first_query = queries + head * group.head_dim;
    if (heads == kTileRows) {
      ScoreHeads<kTileRows>(group, first_query, block, scores);
    } else {
      ScoreHeads<1>(group, first_query, block, scores);
    }
    for (size_t h = 0; h < heads; ++h, ++head) {
      float* shares = scores + h * kLanes;
      const float rescale =
          TakeInScores(group, block.count, shares, state.largest + head, state.sum + head);
      TakeInValues(block, group.head_dim, shares, rescale, state.weighted + head * group.head_dim);
    }
  }
}

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(AttendBlockOf);

}  // namespace

void ResetAttention(const AttentionGroup& group, const AttentionState& state) {
  std::fill_n(state.largest, group.head_count, -std::numeric_limits<float>::infinity());
  std::fill_n(state.sum, group.head_count, 0.0F);
  std::fill_n(state.weighted, group.head_count * group.head_dim, 0.0F);
}

void AttendBlock(const AttentionGroup& group, const float* queries, const AttentionKeys& block,
                 const AttentionState& state) {
  DCHECK(block.count >= 1 && block.count <= kAttentionBlock);
  HWY_DYNAMIC_DISPATCH(AttendBlockOf)(group, queries, block, state);
}

void FinishAttention(const AttentionGroup& group, const AttentionState& state) {
  for (size_t head = 0; head < group.head_count; ++head) {
    float* weighted = state.weighted + head * group.head_dim;
    for (size_t i = 0; i < group.head_dim; ++i) weighted[i] /= state.sum[head];
  }
}

}  // namespace windrose
#endif  // HWY_ONCE
