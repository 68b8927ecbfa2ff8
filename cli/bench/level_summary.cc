#include "cli/bench/level_summary.h"

#include <algorithm>
#include <map>
#include <utility>

namespace windrose::cli {
namespace {

// The value of the nearest rank; `sorted` is not empty.
double Percentile(const std::vector<double>& sorted, size_t percent) {
  const size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<size_t>(rank, 1) - 1];
}

// The rate of one answer behind its first token; nullopt when there is nothing behind it.
std::optional<double> StreamRate(const StreamRecord& record) {
  if (record.outcome != Outcome::kOk || !record.first_piece) return std::nullopt;
  const double seconds = ToSeconds(record.last_piece - *record.first_piece);
  if (record.generated_tokens < 2 || seconds <= 0) return std::nullopt;
  return static_cast<double>(record.generated_tokens - 1) / seconds;
}

// What messages of one kind share: all but the numbers behind the first colon, where ids and counts
// stand. The number in front of it is the HTTP status.
std::string KindOf(const std::string& message) {
  const size_t colon = std::min(message.find(':'), message.size());
  std::string kind = message.substr(0, colon);
  for (const char letter : message.substr(colon)) {
    if (letter < '0' || letter > '9') kind += letter;
  }
  return kind;
}

std::vector<ErrorCount> CountErrors(const std::vector<StreamRecord>& records) {
  std::map<std::string, ErrorCount> kinds;
  for (const StreamRecord& record : records) {
    if (record.outcome != Outcome::kFailed) continue;
    ErrorCount& error =
        kinds.try_emplace(KindOf(record.error), ErrorCount{record.error, 0}).first->second;
    ++error.count;
  }
  std::vector<ErrorCount> errors;
  for (auto& [kind, error] : kinds) errors.push_back(std::move(error));
  std::stable_sort(errors.begin(), errors.end(), [](const ErrorCount& one, const ErrorCount& two) {
    return one.count > two.count;
  });
  if (errors.size() <= kMaxErrors) return errors;
  ErrorCount rest{"other errors", 0};
  for (size_t index = kMaxErrors; index < errors.size(); ++index) rest.count += errors[index].count;
  errors.resize(kMaxErrors);
  errors.push_back(std::move(rest));
  return errors;
}

// Collects the samples of all records.
struct Samples {
  void Add(const StreamRecord& record) {
    if (record.first_piece) first_token.push_back(ToSeconds(*record.first_piece - record.begin));
    for (const Duration gap : record.gaps) between_tokens.push_back(ToSeconds(gap));
    if (record.outcome != Outcome::kOk) return;
    whole_answer.push_back(ToSeconds(record.end - record.begin));
    if (const auto rate = StreamRate(record)) stream_rate.push_back(*rate);
  }

  std::vector<double> first_token;
  std::vector<double> between_tokens;
  std::vector<double> whole_answer;
  std::vector<double> stream_rate;
};

void Count(const StreamRecord& record, LevelSummary& summary) {
  if (record.outcome == Outcome::kFailed) {
    ++summary.failed;
    return;
  }
  ++(record.outcome == Outcome::kOk ? summary.ok : summary.stopped);
  summary.prompt_tokens += record.prompt_tokens;
  summary.generated_tokens += record.generated_tokens;
  if (record.outcome == Outcome::kOk && !record.is_counted) summary.counts_are_exact = false;
}

}  // namespace

std::optional<Distribution> Distribute(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  Distribution distribution;
  distribution.count = values.size();
  double sum = 0;
  for (const double value : values) sum += value;
  distribution.mean = sum / static_cast<double>(values.size());
  distribution.p50 = Percentile(values, 50);
  distribution.p99 = Percentile(values, 99);
  distribution.max = values.back();
  return distribution;
}

LevelSummary Summarize(const LevelRun& run) {
  LevelSummary summary;
  summary.level = run.level;
  Samples samples;
  TimePoint end = run.begin;
  for (const StreamRecord& record : run.records) {
    Count(record, summary);
    if (record.outcome != Outcome::kFailed) samples.Add(record);
    end = std::max(end, record.end);
  }
  summary.seconds = ToSeconds(end - run.begin);
  if (summary.seconds > 0) {
    summary.tokens_per_second = static_cast<double>(summary.generated_tokens) / summary.seconds;
  }
  summary.stream_tokens_per_second = Distribute(std::move(samples.stream_rate));
  summary.first_token = Distribute(std::move(samples.first_token));
  summary.between_tokens = Distribute(std::move(samples.between_tokens));
  summary.whole_answer = Distribute(std::move(samples.whole_answer));
  summary.errors = CountErrors(run.records);
  return summary;
}

}  // namespace windrose::cli
