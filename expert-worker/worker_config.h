// WorkerConfig: every setting of windrose-expert-worker. Parsed once in main, then const.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/process/process_settings.h"

namespace windrose {

struct WorkerConfig {
  std::string model;                      // directory of the checkpoint
  std::string experts = "all";            // "all", or as in "0,1,4-6"
  std::string listen = "127.0.0.1:7100";  // for coordinators
  ProcessSettings process = {.admin_listen = "127.0.0.1:7101"};
  bool insecure_internal = false;  // clear text off loopback
  ComputeSettings compute;
  uint32_t max_rows = 4096;                  // of one call
  uint32_t max_queued_rows = 16384;          // waiting, of all coordinators
  uint32_t max_queued_calls = 256;           // likewise
  uint32_t tile_rows = 128;                  // of one expert in one pass over its weights
  uint32_t max_links = 256;                  // coordinators
  uint64_t max_unsent_bytes = 256ULL << 20;  // replies to one coordinator
  Duration max_budget = Seconds(120);        // a call may wait and compute for at most this
  Duration drain_grace = Milliseconds(250);  // for calls sent before DRAINING was seen
  Duration drain_timeout = Seconds(30);      // to finish what was accepted
};

// Binds every field to its flag, and the checks across fields.
void AddWorkerSettings(ConfigParser& parser, WorkerConfig& config);

// The experts that `text` names, of `expert_count`, ascending. INVALID_ARGUMENT when there is none,
// when one does not exist or is named twice.
StatusOr<std::vector<ExpertId>> ParseExperts(const std::string& text, uint32_t expert_count);

}  // namespace windrose
