#include "expert-worker/worker_config.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace windrose {
namespace {

Status CheckQueue(const WorkerConfig& config) {
  if (config.max_queued_rows >= config.max_rows) return OkStatus();
  return InvalidArgument("--max-queued-rows: wanted at least --max-rows, " +
                         std::to_string(config.max_rows) + ", came " +
                         std::to_string(config.max_queued_rows));
}

StatusOr<uint32_t> ParseExpert(std::string_view text, uint32_t expert_count) {
  uint32_t expert = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), expert);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return InvalidArgument("--experts: wanted a number, came \"" + std::string(text) + "\"");
  }
  if (expert >= expert_count) {
    return InvalidArgument("--experts: wanted below " + std::to_string(expert_count) + ", came " +
                           std::string(text));
  }
  return expert;
}

// "3" or "4-6".
StatusOr<std::pair<uint32_t, uint32_t>> ParseRange(std::string_view text, uint32_t expert_count) {
  const size_t dash = text.find('-');
  ASSIGN_OR_RETURN(const uint32_t first, ParseExpert(text.substr(0, dash), expert_count));
  if (dash == std::string_view::npos) return std::pair(first, first);
  ASSIGN_OR_RETURN(const uint32_t last, ParseExpert(text.substr(dash + 1), expert_count));
  if (last < first) {
    return InvalidArgument("--experts: wanted a rising range, came " + std::string(text));
  }
  return std::pair(first, last);
}

}  // namespace

void AddWorkerSettings(ConfigParser& parser, WorkerConfig& config) {
  parser.Add("model", config.model, "directory of the model");
  parser.Add("experts", config.experts, "experts to hold: all, or numbers as in 0,1,4-6");
  parser.Add("listen", config.listen, "host:port for coordinators");
  parser.Add("insecure-internal", config.insecure_internal,
             "allow clear text on addresses that are not loopback");
  AddProcessSettings(parser, config.process);
  AddComputeSettings(parser, config.compute);
  parser.Add("max-rows", config.max_rows, "rows accepted in one call", 1, 1U << 20);
  parser.Add("max-queued-rows", config.max_queued_rows, "rows that may wait, of all coordinators",
             1, 1U << 24);
  parser.Add("max-queued-calls", config.max_queued_calls, "calls that may wait", 1, 1U << 16);
  parser.Add("tile-rows", config.tile_rows, "rows of one expert computed in one pass", 1, 1U << 16);
  parser.Add("max-links", config.max_links, "coordinators connected at a time", 1, 1U << 16);
  parser.AddBytes("max-unsent-bytes", config.max_unsent_bytes,
                  "replies that may wait for one coordinator to read them", 1ULL << 20, 1ULL << 40);
  parser.Add("max-budget", config.max_budget, "longest time that a call may take", Milliseconds(1),
             Seconds(3600));
  parser.Add("drain-grace", config.drain_grace,
             "time for calls that were sent before a coordinator saw the drain", Duration{},
             Seconds(60));
  parser.Add("drain-timeout", config.drain_timeout, "time to finish what was accepted",
             Milliseconds(1), Seconds(3600));
  parser.AddCheck([&config]() -> Status {
    if (config.model.empty()) return InvalidArgument("--model: wanted a directory, came nothing");
    const bool insecure = config.insecure_internal;
    RETURN_IF_ERROR(CheckInternalListener("--listen", config.listen, insecure));
    RETURN_IF_ERROR(CheckInternalListener("--admin-listen", config.process.admin_listen, insecure));
    return CheckQueue(config);
  });
}

StatusOr<std::vector<ExpertId>> ParseExperts(const std::string& text, uint32_t expert_count) {
  std::vector<ExpertId> experts;
  std::string_view rest = text;
  const std::string all = "0-" + std::to_string(expert_count - 1);
  if (rest == "all") rest = all;
  while (true) {
    const size_t comma = rest.find(',');
    ASSIGN_OR_RETURN(const auto range, ParseRange(rest.substr(0, comma), expert_count));
    for (uint32_t expert = range.first; expert <= range.second; ++expert) {
      experts.push_back(ExpertId(expert));
    }
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  std::sort(experts.begin(), experts.end());
  if (std::adjacent_find(experts.begin(), experts.end()) != experts.end()) {
    return InvalidArgument("--experts: wanted each expert once, came " + text);
  }
  return experts;
}

}  // namespace windrose
