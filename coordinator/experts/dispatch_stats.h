// DispatchStats: what the dispatcher counted since the start. A value; engine thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace windrose {

// Calls to one worker.
struct WorkerStats {
  std::string address;  // empty before it was up, and since it was removed
  bool up = false;
  bool suspect = false;
  uint64_t calls = 0;
  uint64_t errors = 0;   // calls lost with a link or to a bad reply, and refused ones
  uint64_t overdue = 0;  // deadline passed
  uint64_t rows_sent = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  Duration round_trips{};  // sum over answered calls
  uint64_t replies = 0;
};

struct DispatchStats {
  uint64_t exchanges = 0;
  uint64_t retries = 0;                  // calls sent for pairs that an earlier call did not answer
  uint64_t late_replies = 0;             // dropped: the pair or the whole exchange was done
  std::vector<uint64_t> failovers;       // [experts] segments sent to another worker than before
  std::vector<uint32_t> replicas_ready;  // [experts]
  uint64_t placement_epoch = 0;
  std::vector<WorkerStats> workers;  // by WorkerId
};

}  // namespace windrose
