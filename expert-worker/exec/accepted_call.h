// What waits in a worker's queue, and what comes out of it. Values; no thread, no clock, no socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/wire/frame.h"
#include "expert-worker/ffn/expert_function.h"

namespace windrose {

// One coordinator's link to this worker. Never used twice in a process.
using CallerId = StrongId<struct CallerIdTag, uint64_t>;

// A call that was checked and may be computed. Move it, do not copy it: it is large.
struct AcceptedCall {
  CallerId caller;
  wire::CallFrame frame;
  std::shared_ptr<const void> bytes;  // what frame.rows views; null when that lives elsewhere
  TimePoint arrived{};
  TimePoint deadline{};  // no answer is wanted from here on

  ExpertPass pass() const { return {frame.header.layer, frame.header.order}; }

  // What it costs: rows times the experts that each of them wants.
  uint32_t row_count() const { return static_cast<uint32_t>(frame.row_index.size()); }
};

// The answer to one call. `frame.rows` views `rows`, which moving keeps in place.
struct ComputedReply {
  CallerId caller;
  TimePoint arrived{};  // of the call
  wire::ReplyFrame frame;
  std::vector<std::byte> rows;
};

// The answer to a call of which nothing is computed: every segment says `code`.
ComputedReply FailedReply(const AcceptedCall& call, StatusCode code);

}  // namespace windrose
