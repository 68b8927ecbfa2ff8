// Identifiers as types, so that an expert is never passed where a layer is meant. Values.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace windrose {

// An integer that only mixes with its own kind. `value()` for indexing and printing.
template <typename Tag, typename Integer>
class StrongId {
 public:
  using ValueType = Integer;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Integer value) : value_(value) {}
  constexpr Integer value() const { return value_; }
  constexpr StrongId& operator++() {
    ++value_;
    return *this;
  }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the order's zero for a pointer.
  constexpr auto operator<=>(const StrongId&) const = default;

 private:
  Integer value_ = 0;
};

using LayerIndex = StrongId<struct LayerIndexTag, uint32_t>;
using ExpertId = StrongId<struct ExpertIdTag, uint32_t>;
using WorkerId = StrongId<struct WorkerIdTag, uint32_t>;      // slot in one coordinator's table
using SequenceId = StrongId<struct SequenceIdTag, uint64_t>;  // within one coordinator's life
using BlockId = StrongId<struct BlockIdTag, uint32_t>;        // KV cache block
using TokenId = StrongId<struct TokenIdTag, uint32_t>;
using DispatchId = StrongId<struct DispatchIdTag, uint64_t>;  // one exchange of one layer

}  // namespace windrose

template <typename Tag, typename Integer>
struct std::hash<windrose::StrongId<Tag, Integer>> {
  size_t operator()(const windrose::StrongId<Tag, Integer>& id) const {
    return std::hash<Integer>()(id.value());
  }
};
