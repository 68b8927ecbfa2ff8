#include "cli/bench/load_plan.h"

#include <algorithm>
#include <boost/json.hpp>

#include "common/base/random.h"

namespace windrose::cli {
namespace {

constexpr uint32_t kLeastRequests = 8;
constexpr uint32_t kRequestsPerStream = 4;

Status CheckLevel(const Level& level, uint32_t max_tokens) {
  if (level.requests < level.concurrency) {
    return InvalidArgument("--requests: wanted at least the concurrency, " +
                           std::to_string(level.concurrency) + ", got " +
                           std::to_string(level.requests));
  }
  if (uint64_t{level.requests} * max_tokens > kMaxSamples) {
    return InvalidArgument("--requests: wanted at most " + std::to_string(kMaxSamples) +
                           " tokens for a level, got " + std::to_string(level.requests) +
                           " requests of " + std::to_string(max_tokens));
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<Level>> PlanLevels(const LevelOptions& options) {
  if (options.concurrency.empty() || options.concurrency.size() > kMaxLevels) {
    return InvalidArgument("--concurrency: wanted 1 to " + std::to_string(kMaxLevels) +
                           " numbers, got " + std::to_string(options.concurrency.size()));
  }
  std::vector<Level> levels;
  uint32_t ordinal = options.warmup;
  for (const uint32_t concurrency : options.concurrency) {
    Level level{.concurrency = concurrency};
    level.requests = options.requests > 0
                         ? options.requests
                         : std::max(kLeastRequests, kRequestsPerStream * level.concurrency);
    level.first_ordinal = ordinal;
    RETURN_IF_ERROR(CheckLevel(level, options.max_tokens));
    ordinal += level.requests;
    levels.push_back(level);
  }
  return levels;
}

std::vector<uint32_t> PromptIds(const LoadShape& shape, uint32_t ordinal) {
  const uint64_t choices = shape.vocabulary - kFirstOrdinaryToken;
  std::vector<uint32_t> ids(shape.prompt_tokens);
  for (uint32_t position = 0; position < shape.prompt_tokens; ++position) {
    const uint64_t drawn = BitsAt(shape.seed, position, ordinal) % choices;
    ids[position] = kFirstOrdinaryToken + static_cast<uint32_t>(drawn);
  }
  return ids;
}

std::string CompletionBody(const LoadShape& shape, uint32_t ordinal) {
  boost::json::array prompt;
  for (const uint32_t id : PromptIds(shape, ordinal)) prompt.push_back(id);
  boost::json::object body;
  body["model"] = shape.model;
  body["prompt"] = std::move(prompt);
  body["max_tokens"] = shape.max_tokens;
  body["temperature"] = 0;
  body["ignore_eos"] = true;
  body["stream"] = true;
  body["stream_options"] = boost::json::object{{"include_usage", true}};
  return boost::json::serialize(body);
}

}  // namespace windrose::cli
