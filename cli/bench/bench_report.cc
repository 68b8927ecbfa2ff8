#include "cli/bench/bench_report.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>

namespace windrose::cli {
namespace {

constexpr double kMillisecondsPerSecond = 1000;

struct Column {
  const char* group;    // first line of the heading
  const char* heading;  // second line
};

constexpr std::array<Column, 13> kColumns = {{{"", "streams"},
                                              {"requests", "ok"},
                                              {"", "failed"},
                                              {"tokens", "prompt"},
                                              {"", "generated"},
                                              {"tokens/s", "total"},
                                              {"", "stream"},
                                              {"first ms", "p50"},
                                              {"", "p99"},
                                              {"between ms", "p50"},
                                              {"", "p99"},
                                              {"whole ms", "p50"},
                                              {"", "p99"}}};
using Row = std::array<std::string, kColumns.size()>;

std::string Decimal(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

// Three digits or more, and no more behind the point than they need.
std::string Short(double value) { return Decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0); }

std::string Milliseconds(const std::optional<Distribution>& seconds,
                         double Distribution::*percentile) {
  return seconds ? Short((*seconds).*percentile * kMillisecondsPerSecond) : "-";
}

Row RowOf(const LevelSummary& level) {
  const auto& rate = level.stream_tokens_per_second;
  return {std::to_string(level.level.concurrency),
          std::to_string(level.ok),
          std::to_string(level.failed),
          std::to_string(level.prompt_tokens),
          std::to_string(level.generated_tokens),
          level.generated_tokens > 0 ? Short(level.tokens_per_second) : "-",
          rate ? Short(rate->p50) : "-",
          Milliseconds(level.first_token, &Distribution::p50),
          Milliseconds(level.first_token, &Distribution::p99),
          Milliseconds(level.between_tokens, &Distribution::p50),
          Milliseconds(level.between_tokens, &Distribution::p99),
          Milliseconds(level.whole_answer, &Distribution::p50),
          Milliseconds(level.whole_answer, &Distribution::p99)};
}

std::string FormatRow(const Row& row, const std::array<size_t, kColumns.size()>& widths) {
  std::string line;
  for (size_t column = 0; column < row.size(); ++column) {
    line += (column == 0 ? "" : "  ") + std::string(widths[column] - row[column].size(), ' ');
    line += row[column];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// The milliseconds of a distribution of seconds are `scale` 1000; a rate's scale is 1.
boost::json::value ToJson(const std::optional<Distribution>& distribution, double scale) {
  if (!distribution) return nullptr;
  return boost::json::object{{"count", distribution->count},
                             {"mean", distribution->mean * scale},
                             {"p50", distribution->p50 * scale},
                             {"p99", distribution->p99 * scale},
                             {"max", distribution->max * scale}};
}

boost::json::object ToJson(const LevelSummary& level) {
  boost::json::array errors;
  for (const ErrorCount& error : level.errors) {
    errors.push_back(boost::json::object{{"message", error.message}, {"count", error.count}});
  }
  return {
      {"concurrency", level.level.concurrency},
      {"requests", level.level.requests},
      {"ok", level.ok},
      {"failed", level.failed},
      {"stopped", level.stopped},
      {"prompt_tokens", level.prompt_tokens},
      {"generated_tokens", level.generated_tokens},
      {"counts_are_exact", level.counts_are_exact},
      {"seconds", level.seconds},
      {"tokens_per_second", level.tokens_per_second},
      {"stream_tokens_per_second", ToJson(level.stream_tokens_per_second, 1)},
      {"first_token_ms", ToJson(level.first_token, kMillisecondsPerSecond)},
      {"between_tokens_ms", ToJson(level.between_tokens, kMillisecondsPerSecond)},
      {"whole_answer_ms", ToJson(level.whole_answer, kMillisecondsPerSecond)},
      {"errors", std::move(errors)},
  };
}

}  // namespace

std::string DescribeColumns() {
  return "Columns of the table, a line for each level of concurrency:\n"
         "  streams      requests that run at the same time\n"
         "  ok, failed   requests answered to the end, and those refused or broken off\n"
         "  prompt       tokens of the prompts, as the cluster counted them\n"
         "  generated    tokens of the answers, likewise\n"
         "  total        generated tokens of all streams together, per second of the level\n"
         "  stream       tokens per second of one answer behind its first token (median)\n"
         "  first        time from sending a request to the first text of its answer\n"
         "  between      time from one piece of text to the next; a piece is a token, but for\n"
         "    characters made of several\n"
         "  whole        time from sending a request to the end of its answer\n"
         "  p50, p99     half of the values are no larger; 99 of 100 are no larger";
}

std::string FormatTable(const std::vector<LevelSummary>& levels) {
  std::vector<Row> rows(2);
  for (size_t column = 0; column < kColumns.size(); ++column) {
    rows[0][column] = kColumns[column].group;
    rows[1][column] = kColumns[column].heading;
  }
  for (const LevelSummary& level : levels) rows.push_back(RowOf(level));
  std::array<size_t, kColumns.size()> widths{};
  for (const Row& row : rows) {
    for (size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string table;
  for (const Row& row : rows) table += FormatRow(row, widths);
  return table;
}

std::string FormatTroubles(const std::vector<LevelSummary>& levels) {
  std::string text;
  for (const LevelSummary& level : levels) {
    const std::string where = "at " + std::to_string(level.level.concurrency) + " streams: ";
    for (const ErrorCount& error : level.errors) {
      text += where + std::to_string(error.count) + " failed: " + error.message + "\n";
    }
    if (level.stopped > 0) {
      text += where + std::to_string(level.stopped) +
              " answers were cut; their tokens count, their whole time does not\n";
    }
  }
  return text;
}

std::string ToJson(const BenchReport& report) {
  boost::json::array levels;
  for (const LevelSummary& level : report.levels) levels.push_back(ToJson(level));
  const boost::json::object root = {
      {"windrose", WINDROSE_VERSION},          {"url", report.url},
      {"model", report.shape.model},           {"prompt_tokens", report.shape.prompt_tokens},
      {"max_tokens", report.shape.max_tokens}, {"seed", report.shape.seed},
      {"vocabulary", report.shape.vocabulary}, {"interrupted", report.interrupted},
      {"levels", std::move(levels)},
  };
  return boost::json::serialize(root) + "\n";
}

bool AnySucceeded(const std::vector<LevelSummary>& levels) {
  return std::any_of(levels.begin(), levels.end(),
                     [](const LevelSummary& level) { return level.ok > 0; });
}

}  // namespace windrose::cli
