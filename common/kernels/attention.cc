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

// Heads that are taken in together.
constexpr size_t kHeadTile = 4;
// Heads that share each key, and keys that share each query, as many as registers hold.
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kScoreHeads = 4;
constexpr size_t kScoreKeys = 4;
#else
constexpr size_t kScoreHeads = 2;
constexpr size_t kScoreKeys = 2;
#endif

constexpr size_t kCacheLine = 64;

// Asks for part `index` of `count` of a head's block, so that fetching goes on evenly beside the
// arithmetic. Null asks for nothing.
HWY_INLINE void PrefetchPart(const std::byte* block, size_t bytes, size_t index, size_t count) {
  if (block == nullptr) return;
  const size_t end = bytes * (index + 1) / count;
  for (size_t byte = bytes * index / count; byte < end; byte += kCacheLine) {
    PrefetchLine(block + byte);
  }
}

// Sixteen cached numbers as f32, in q8 without their scale.
template <KvCacheType kType>
HWY_INLINE Lanes LoadCached(const std::byte* from) {
  if constexpr (kType == KvCacheType::kF32) {
    return LoadWeightLanes<DType::kF32>(from);
  } else if constexpr (kType == KvCacheType::kBf16) {
    return LoadWeightLanes<DType::kBf16>(from);
  } else {
    const hn::Rebind<int8_t, FloatTag> bytes;
    const hn::Rebind<int32_t, FloatTag> words;
    Lanes lanes;
    HWY_UNROLL(16)
    for (size_t p = 0; p < kParts; ++p) {
      const auto part = hn::LoadU(bytes, reinterpret_cast<const int8_t*>(from) + p * kVectorFloats);
      lanes.part[p] = hn::ConvertTo(FloatTag(), hn::PromoteTo(words, part));
    }
    return lanes;
  }
}

// The first `count` < 16, zeros in the other lanes.
template <KvCacheType kType>
HWY_INLINE Lanes LoadSomeCached(const std::byte* from, size_t count) {
  HWY_ALIGN std::byte padded[kLanes * NumberBytes(kType)] = {};
  std::memcpy(padded, from, count * NumberBytes(kType));
  return LoadCached<kType>(padded);
}

HWY_INLINE void StoreSomeLanes(const Lanes& lanes, float* to, size_t count) {
  HWY_ALIGN float padded[kLanes];
  StoreLanes(lanes, padded);
  std::memcpy(to, padded, count * sizeof(float));
}

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE void FourTreeSums(const Lanes& a, const Lanes& b, const Lanes& c, const Lanes& d,
                             float* out) {
  out[0] = TreeSum(a);
  out[1] = TreeSum(b);
  out[2] = TreeSum(c);
  out[3] = TreeSum(d);
}

#else

using FourTag = hn::CappedTag<float, 4>;
using FourVector = hn::Vec<FourTag>;

// The tree of TreeSum down to its last four lanes.
template <class D>
HWY_INLINE FourVector FourLanesOfVector([[maybe_unused]] D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    return FourLanesOfVector(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    return v;
  }
}

HWY_INLINE FourVector FourLanes(const Lanes& lanes) {
  Lanes sum = lanes;
  HWY_UNROLL(4)
  for (size_t width = kParts / 2; width >= 1; width /= 2) {
    HWY_UNROLL(8)
    for (size_t p = 0; p < width; ++p) sum.part[p] = hn::Add(sum.part[p], sum.part[p + width]);
  }
  return FourLanesOfVector(FloatTag(), sum.part[0]);
}

// TreeSum of four, to the bit, with the tree's last steps done for all of them at once.
HWY_INLINE void FourTreeSums(const Lanes& a, const Lanes& b, const Lanes& c, const Lanes& d,
                             float* out) {
  const FourTag four;
  const auto last_two = [&](FourVector low, FourVector high) {
    return hn::Add(hn::ConcatLowerLower(four, high, low), hn::ConcatUpperUpper(four, high, low));
  };
  const FourVector ab = last_two(FourLanes(a), FourLanes(b));
  const FourVector cd = last_two(FourLanes(c), FourLanes(d));
  hn::StoreU(hn::Add(hn::ConcatEven(four, cd, ab), hn::ConcatOdd(four, cd, ab)), four, out);
}

#endif

// out[h][o] = the tree sum of each of the tile's accumulators; out: kHeads rows of 16.
template <size_t kHeads, size_t kKeys>
HWY_INLINE void StoreTileSums(const Accumulators<kHeads, kKeys>& sums, float* out) {
  const auto at = [&](size_t n) -> const Lanes& { return sums.lanes[n / kKeys][n % kKeys]; };
  if constexpr (kHeads * kKeys % 4 == 0) {
    HWY_UNROLL(4)
    for (size_t n = 0; n < kHeads * kKeys; n += 4) {
      HWY_ALIGN float four[4];
      FourTreeSums(at(n), at(n + 1), at(n + 2), at(n + 3), four);
      HWY_UNROLL(4)
      for (size_t i = 0; i < 4; ++i) out[(n + i) / kKeys * kLanes + (n + i) % kKeys] = four[i];
    }
  } else {
    HWY_UNROLL(4)
    for (size_t n = 0; n < kHeads * kKeys; ++n)
      out[n / kKeys * kLanes + n % kKeys] = TreeSum(at(n));
  }
}

// scores[h][o] = query h . key o. keys: the first of kKeys; scores: kHeads rows of 16.
template <KvCacheType kType, size_t kHeads, size_t kKeys>
HWY_INLINE void ScoreTile(const float* queries, const std::byte* keys, size_t head_dim,
                          float* scores) {
  const size_t stride = head_dim * NumberBytes(kType);
  Accumulators<kHeads, kKeys> sums = ZeroTile<kHeads, kKeys>();
  Lanes query[kHeads];
  Lanes key[kKeys];
  size_t i = 0;
  for (; i + kLanes <= head_dim; i += kLanes) {
    HWY_UNROLL(4)
    for (size_t o = 0; o < kKeys; ++o) {
      key[o] = LoadCached<kType>(keys + o * stride + i * NumberBytes(kType));
    }
    HWY_UNROLL(4)
    for (size_t h = 0; h < kHeads; ++h) query[h] = LoadLanes(queries + h * head_dim + i);
    AddTileProduct(sums, query, key);
  }
  if (i < head_dim) {
    HWY_UNROLL(4)
    for (size_t o = 0; o < kKeys; ++o) {
      key[o] = LoadSomeCached<kType>(keys + o * stride + i * NumberBytes(kType), head_dim - i);
    }
    HWY_UNROLL(4)
    for (size_t h = 0; h < kHeads; ++h) {
      query[h] = LoadSomeLanes(queries + h * head_dim + i, head_dim - i);
    }
    AddTileProduct(sums, query, key);
  }
  StoreTileSums(sums, scores);
}

// The products of kHeads queries with kKeys keys from `first` on.
template <KvCacheType kType, size_t kHeads, size_t kKeys>
HWY_INLINE void ScoreKeys(const AttentionGroup& group, const float* queries,
                          const AttentionKeys& block, size_t first, float* scores) {
  constexpr size_t kTile = kHeads < kScoreHeads ? kHeads : kScoreHeads;
  const std::byte* keys =
      block.keys + ScaleBytes(kType) + first * group.head_dim * NumberBytes(kType);
  for (size_t h = 0; h < kHeads; h += kTile) {
    ScoreTile<kType, kTile, kKeys>(queries + h * group.head_dim, keys, group.head_dim,
                                   scores + h * kLanes + first);
  }
}

// The products of kHeads queries with all keys that the row may see.
template <KvCacheType kType, size_t kHeads>
HWY_INLINE void ScoreHeads(const AttentionGroup& group, const float* queries,
                           const AttentionKeys& block, float* scores) {
  constexpr size_t kKeys = kHeads == 1 ? 4 : kScoreKeys;
  const size_t bytes = HeadBlockBytes(kType, group.head_dim);
  size_t j = 0;
  for (; j + kKeys <= block.count; j += kKeys) {
    PrefetchPart(block.next_keys, bytes, j / kKeys, kAttentionBlock / kKeys);
    ScoreKeys<kType, kHeads, kKeys>(group, queries, block, j, scores);
  }
  for (; j < block.count; ++j) ScoreKeys<kType, kHeads, 1>(group, queries, block, j, scores);
}

// Turns one head's products into exp(score - largest), and takes them into largest and sum. score =
// product * factor. Returns the exponent of what the sums so far must be scaled by.
HWY_INLINE float TakeInScores(const Lanes& factor, size_t count, float* products, float* largest,
                              float* sum) {
  const FloatTag d;
  const FloatVector nothing = hn::Set(d, -std::numeric_limits<float>::infinity());
  Lanes shares = LoadLanes(products);
  FloatVector highest = hn::Set(d, *largest);
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) {
    const size_t before = p * kVectorFloats;
    const auto seen = hn::FirstN(d, count > before ? count - before : 0);
    shares.part[p] = hn::IfThenElse(seen, hn::Mul(shares.part[p], factor.part[p]), nothing);
    highest = hn::Max(highest, shares.part[p]);
  }
  const FloatVector shift = hn::MaxOfLanes(d, highest);
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) shares.part[p] = BoundedExp(hn::Sub(shares.part[p], shift));
  StoreLanes(shares, products);
  const float fall = *largest - hn::GetLane(shift);
  *largest = hn::GetLane(shift);
  *sum = TreeSum(shares);
  return fall;
}

// values[i] = exp(values[i]) for i < kCount. values: [16].
template <size_t kCount>
HWY_INLINE void ExpOfSome(float* values) {
  const FloatTag d;
  for (size_t i = 0; i < kCount; i += kVectorFloats) {
    hn::StoreU(BoundedExp(hn::LoadU(d, values + i)), d, values + i);
  }
}

// weighted[h][i...] = weighted * rescale[h] + sum over j, ascending, of shares[h][j] * value j.
// `values` and `weighted` begin at i; kWhole: 16 of them, else `size`.
template <KvCacheType kType, size_t kHeads, bool kWhole>
HWY_INLINE void TakeInValueLanes(const AttentionGroup& group, const AttentionKeys& block, size_t i,
                                 const float* shares, float* weighted) {
  const size_t some = group.head_dim - i;
  const size_t stride = group.head_dim * NumberBytes(kType);
  const std::byte* values = block.values + ScaleBytes(kType) + i * NumberBytes(kType);
  const float* rescale = shares + kHeads * kLanes;
  Lanes sum[kHeads];
  HWY_UNROLL(4)
  for (size_t h = 0; h < kHeads; ++h) {
    float* from = weighted + h * group.head_dim + i;
    sum[h] = kWhole ? LoadLanes(from) : LoadSomeLanes(from, some);
    const FloatVector scale = hn::Set(FloatTag(), rescale[h]);
    for (size_t p = 0; p < kParts; ++p) sum[h].part[p] = hn::Mul(sum[h].part[p], scale);
  }
  for (size_t j = 0; j < block.count; ++j) {
    const std::byte* from = values + j * stride;
    const Lanes value = kWhole ? LoadCached<kType>(from) : LoadSomeCached<kType>(from, some);
    HWY_UNROLL(4)
    for (size_t h = 0; h < kHeads; ++h) {
      const FloatVector share = hn::Set(FloatTag(), shares[h * kLanes + j]);
      for (size_t p = 0; p < kParts; ++p) {
        sum[h].part[p] = hn::MulAdd(share, value.part[p], sum[h].part[p]);
      }
    }
  }
  HWY_UNROLL(4)
  for (size_t h = 0; h < kHeads; ++h) {
    float* to = weighted + h * group.head_dim + i;
    if (kWhole) {
      StoreLanes(sum[h], to);
    } else {
      StoreSomeLanes(sum[h], to, some);
    }
  }
}

// Sixteen factors of the scores, or of the shares: `scale`, in q8 times each position's own.
template <KvCacheType kType>
HWY_INLINE Lanes Factors(const std::byte* block, float scale) {
  Lanes factor = kType == KvCacheType::kQ8 ? LoadWeightLanes<DType::kF32>(block) : ZeroLanes();
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) {
    const FloatVector all = hn::Set(FloatTag(), scale);
    factor.part[p] = kType == KvCacheType::kQ8 ? hn::Mul(factor.part[p], all) : all;
  }
  return factor;
}

// Shares of values without their scale.
HWY_INLINE void ScaleShares(const std::byte* values, float* shares) {
  Lanes scaled = LoadLanes(shares);
  const Lanes scale = LoadWeightLanes<DType::kF32>(values);
  HWY_UNROLL(16)
  for (size_t p = 0; p < kParts; ++p) scaled.part[p] = hn::Mul(scaled.part[p], scale.part[p]);
  StoreLanes(scaled, shares);
}

// AttendBlock for kHeads of the group's heads; `queries` and `state` begin with the first.
template <KvCacheType kType, size_t kHeads>
HWY_INLINE void AttendHeads(const AttentionGroup& group, const float* queries,
                            const AttentionKeys& block, const AttentionState& state) {
  HWY_ALIGN_MAX float shares[(kHeads + 1) * kLanes] = {};  // and, last, how sums are rescaled
  float* rescale = shares + kHeads * kLanes;
  float new_sums[kHeads];
  ScoreHeads<kType, kHeads>(group, queries, block, shares);
  const Lanes factor = Factors<kType>(block.keys, group.scale);
  for (size_t h = 0; h < kHeads; ++h) {
    rescale[h] =
        TakeInScores(factor, block.count, shares + h * kLanes, state.largest + h, new_sums + h);
  }
  ExpOfSome<kHeads>(rescale);
  for (size_t h = 0; h < kHeads; ++h) {
    state.sum[h] = state.sum[h] * rescale[h] + new_sums[h];
    if (kType == KvCacheType::kQ8) ScaleShares(block.values, shares + h * kLanes);
  }
  size_t i = 0;
  for (; i + kLanes <= group.head_dim; i += kLanes) {
    PrefetchPart(block.next_values, HeadBlockBytes(kType, group.head_dim), i / kLanes,
                 group.head_dim / kLanes);
    TakeInValueLanes<kType, kHeads, true>(group, block, i, shares, state.weighted);
  }
  if (i < group.head_dim) {
    TakeInValueLanes<kType, kHeads, false>(group, block, i, shares, state.weighted);
  }
}

template <KvCacheType kType>
void AttendBlockAs(const AttentionGroup& group, const float* queries, AttentionKeys block,
                   const AttentionState& state) {
  const auto from = [&](size_t head) {
    return AttentionState{state.largest + head, state.sum + head,
                          state.weighted + head * group.head_dim};
  };
  size_t head = 0;
  for (; head + kHeadTile <= group.head_count; head += kHeadTile) {
    AttendHeads<kType, kHeadTile>(group, queries + head * group.head_dim, block, from(head));
    block.next_keys = block.next_values = nullptr;  // once is enough
  }
  for (; head < group.head_count; ++head) {
    AttendHeads<kType, 1>(group, queries + head * group.head_dim, block, from(head));
  }
}

void AttendBlockOf(const AttentionGroup& group, const float* queries, const AttentionKeys& block,
                   const AttentionState& state) {
  switch (block.type) {
    case KvCacheType::kF32:
      return AttendBlockAs<KvCacheType::kF32>(group, queries, block, state);
    case KvCacheType::kBf16:
      return AttendBlockAs<KvCacheType::kBf16>(group, queries, block, state);
    case KvCacheType::kQ8:
      return AttendBlockAs<KvCacheType::kQ8>(group, queries, block, state);
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
