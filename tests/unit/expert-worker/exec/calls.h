// Calls for the tests of the worker's queue and computation.
#pragma once

#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "expert-worker/exec/accepted_call.h"

namespace windrose {

inline constexpr uint32_t kTestHidden = 2;
inline constexpr TimePoint kForEver = TimePoint::max();

// `count` rows for one expert of `layer`.
inline AcceptedCall MakeCall(uint64_t caller, uint32_t layer, uint32_t count,
                             TimePoint deadline = kForEver) {
  AcceptedCall call;
  call.caller = CallerId(caller);
  call.deadline = deadline;
  call.frame.header.layer = LayerIndex(layer);
  call.frame.header.hidden = kTestHidden;
  call.frame.segments = {{.expert = ExpertId(0), .first = 0, .count = count}};
  call.frame.row_count = count;
  call.frame.row_index.resize(count);
  std::iota(call.frame.row_index.begin(), call.frame.row_index.end(), 0U);
  return call;
}

// Gives `call` these rows, [rows, kTestHidden], in `type`.
inline void SetRows(AcceptedCall& call, const std::vector<float>& values, wire::RowType type) {
  std::vector<uint32_t> numbers(values.size() / kTestHidden);
  std::iota(numbers.begin(), numbers.end(), 0U);
  const auto bytes = std::make_shared<std::vector<std::byte>>();
  wire::AppendRows(values, kTestHidden, numbers, type, *bytes);
  call.frame.header.type = type;
  call.frame.rows = *bytes;
  call.bytes = bytes;
}

}  // namespace windrose
