#include "cli/bench_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/bench/bench_report.h"
#include "cli/bench/cluster_probe.h"
#include "cli/bench/completion_call.h"
#include "cli/bench/level_summary.h"
#include "cli/bench/load_generator.h"
#include "cli/bench/load_plan.h"
#include "cli/bench/local_cluster.h"
#include "cli/bench/progress_line.h"
#include "cli/chat/api_request.h"
#include "cli/supervise/child_process.h"
#include "cli/supervise/signal_source.h"
#include "common/base/descriptors.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/net/http_client.h"
#include "common/net/http_gate.h"

namespace windrose::cli {
namespace {

constexpr int kExitInterrupted = 130;
constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";
constexpr uint32_t kMaxTokens = 1 << 20;

struct BenchConfig {
  std::string given_url;  // without a flag
  std::string url;
  std::string api_model;
  std::string api_key;
  LevelOptions levels{.concurrency = {1, 8, 32}, .warmup = 1};
  LoadShape shape;
  Duration duration{0};
  Duration silence_timeout = Seconds(300);
  std::string json;
  bool quiet = false;
  LocalClusterOptions cluster;
};

void AddClusterFlags(ConfigParser& parser, BenchConfig& config) {
  parser.Add("url", config.url,
             std::string("where the cluster is, as http://host:port; empty means ") + kDefaultUrl +
                 ", or a cluster of its own with --model");
  parser.Add("api-model", config.api_model, "model id; empty takes the first that is served");
  parser.Add("api-key", config.api_key, "key to send, when the cluster wants one");
  parser.Add("model", config.cluster.model,
             "model directory: starts a cluster of its own on free ports, and stops it");
  parser.Add("workers", config.cluster.workers, "expert workers of that cluster", 1, 64);
  parser.Add("threads", config.cluster.threads,
             "compute threads of each of its workers and coordinators; 0: as windrose up does", 0,
             1024);
  parser.Add("ready-timeout", config.cluster.ready_timeout, "time for it to become ready",
             Seconds(1), Seconds(86400));
}

void AddLoadFlags(ConfigParser& parser, BenchConfig& config) {
  parser.Add("concurrency", config.levels.concurrency,
             "requests that run at the same time, one level after the other; a running cluster's "
             "router refuses more than " +
                 std::to_string(HttpLimits().connections_per_address) +
                 " of one address, unless its --max-connections-per-address says otherwise",
             1, kMaxConcurrency);
  parser.Add("requests", config.levels.requests,
             "requests of each level; 0 takes 4 for each stream, but at least 8", 0, kMaxRequests);
  parser.Add("prompt-tokens", config.shape.prompt_tokens, "tokens of each prompt", 1, kMaxTokens);
  parser.Add("max-tokens", config.shape.max_tokens,
             "tokens of each answer, exactly: no end of text ends it sooner", 1, kMaxTokens);
  parser.Add("duration", config.duration,
             "no request of a level begins after this time; 0s sets no limit", Seconds(0),
             Seconds(86400));
  parser.Add("warmup", config.levels.warmup, "requests before the first level, not measured", 0,
             kMaxRequests);
  parser.Add("seed", config.shape.seed, "the same seed gives the same prompts", 0, UINT64_MAX);
  parser.Add("vocabulary", config.shape.vocabulary,
             "prompts are drawn from the token ids below it; 0 finds out", 0, 1 << 24);
  parser.Add("silence-timeout", config.silence_timeout,
             "a request fails after this time without a byte", Milliseconds(100), Seconds(86400));
}

void AddFlags(ConfigParser& parser, BenchConfig& config) {
  parser.AddPositional("URL", config.given_url, "the same as --url", false);
  AddClusterFlags(parser, config);
  AddLoadFlags(parser, config);
  parser.Add("json", config.json, "file to write the results to");
  parser.Add("quiet", config.quiet, "no progress, and no word about what is measured");
}

// Rather than to fail in the midst of it.
Status CheckDescriptors(uint32_t streams) {
  constexpr uint64_t kOfOneStream = 4;  // its connection, and what its thread waits with
  constexpr uint64_t kOthers = 64;
  const uint64_t wanted = kOthers + kOfOneStream * streams;
  const uint64_t limit = DescriptorLimit();
  if (wanted <= limit) return OkStatus();
  return InvalidArgument("--concurrency: wanted no more than " + std::to_string(limit) +
                         " descriptors are enough for (ulimit -n), got " + std::to_string(streams) +
                         ", which take " + std::to_string(wanted));
}

Status CheckConfig(BenchConfig& config) {
  if (!config.given_url.empty()) config.url = config.given_url;
  if (!config.url.empty() && !config.cluster.model.empty()) {
    return InvalidArgument("--url: wanted a running cluster or --model, got both");
  }
  if (!config.url.empty()) RETURN_IF_ERROR(Annotate(ParseUrl(config.url).status(), "--url"));
  if (config.shape.vocabulary > 0 && config.shape.vocabulary <= kFirstOrdinaryToken) {
    return InvalidArgument("--vocabulary: wanted 0 or more than " +
                           std::to_string(kFirstOrdinaryToken) + ", got " +
                           std::to_string(config.shape.vocabulary));
  }
  config.levels.max_tokens = config.shape.max_tokens;
  for (const uint32_t streams : config.levels.concurrency) {
    config.cluster.streams = std::max(config.cluster.streams, streams);
  }
  RETURN_IF_ERROR(PlanLevels(config.levels).status());
  return CheckDescriptors(config.cluster.streams);
}

// Draws the progress on a terminal and watches for signals.
class BenchObserver final : public LoadObserver {
 public:
  BenchObserver(SignalSource signals, bool quiet)
      : signals_(std::move(signals)),
        quiet_(quiet),
        draws_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

  bool OnProgress(const LoadProgress& progress) override {
    ReadSignals();
    if (draws_) std::fprintf(stderr, "\r%s\033[K", FormatProgress(progress).c_str());
    return !stops();
  }

  // Whether a process that we started has ended by now.
  bool LostProcess() {
    ReadSignals();
    return lost_process_;
  }

  void Note(const std::string& line) const {
    EndLine();
    if (!quiet_) std::fprintf(stderr, "%s\n", line.c_str());
  }

  void EndLine() const {
    if (draws_) std::fputs("\r\033[K", stderr);
  }

  bool interrupted() const { return interrupted_; }
  bool draws() const { return draws_; }

  // No further level is measured.
  bool stops() const { return interrupted_ || lost_process_; }

 private:
  void ReadSignals() {
    const SignalsSeen seen = signals_.Read();
    interrupted_ = interrupted_ || seen.stop || seen.hangup;
    lost_process_ = lost_process_ || seen.child;
  }

  const SignalSource signals_;
  const bool quiet_;
  const bool draws_;
  bool interrupted_ = false;
  bool lost_process_ = false;
};

Status CheckContext(const ServedModel& model, const LoadShape& shape) {
  const uint64_t wanted = uint64_t{shape.prompt_tokens} + shape.max_tokens;
  if (!model.context_length || wanted <= *model.context_length) return OkStatus();
  return InvalidArgument("--prompt-tokens and --max-tokens: wanted at most the context of " +
                         model.id + ", " + std::to_string(*model.context_length) + ", got " +
                         std::to_string(wanted));
}

// What all requests have in common, once the cluster has said what it serves.
StatusOr<LoadShape> ShapeFor(const BenchConfig& config, HttpClient& client,
                             const std::vector<HttpField>& fields) {
  ASSIGN_OR_RETURN(const ServedModel model, FindModel(client, fields, config.api_model));
  LoadShape shape = config.shape;
  shape.model = config.api_model.empty() ? model.id : config.api_model;
  RETURN_IF_ERROR(CheckContext(model, shape));
  if (shape.vocabulary == 0) {
    ASSIGN_OR_RETURN(shape.vocabulary, FindVocabulary(client, fields, shape.model));
  }
  return shape;
}

// Requests that nobody counts. One success is enough.
Status WarmUp(const BenchConfig& config, LoadGenerator& generator, BenchObserver& observer) {
  if (config.levels.warmup == 0) return OkStatus();
  const LevelSummary summary =
      Summarize(generator.Run({.requests = config.levels.warmup}, observer));
  if (summary.ok > 0 || summary.errors.empty()) return OkStatus();
  return Unavailable("the first request failed: " + summary.errors.front().message);
}

// Makes clients of the cluster at `url`.
StatusOr<ClientFactory> ClientsOf(const BenchConfig& config, const std::string& url) {
  ASSIGN_OR_RETURN(const HostPort server, ParseUrl(url));
  const HttpClientOptions options{.silence_timeout = config.silence_timeout};
  return ClientFactory([server, options] { return HttpClient::Make(server, options); });
}

// Asks the cluster what it serves.
Status Prepare(const BenchConfig& config, BenchReport& report) {
  ASSIGN_OR_RETURN(const ClientFactory make_client, ClientsOf(config, report.url));
  ASSIGN_OR_RETURN(report.shape, ShapeFor(config, *make_client(), ApiFields(config.api_key)));
  return OkStatus();
}

Status Measure(const BenchConfig& config, const Clock& clock, BenchObserver& observer,
               BenchReport& report) {
  ASSIGN_OR_RETURN(const ClientFactory make_client, ClientsOf(config, report.url));
  ASSIGN_OR_RETURN(const std::vector<Level> levels, PlanLevels(config.levels));

  observer.Note("measuring " + report.shape.model + " at " + report.url + ": prompts of " +
                std::to_string(report.shape.prompt_tokens) + " tokens, answers of " +
                std::to_string(report.shape.max_tokens));
  LoadOptions options{.shape = report.shape, .fields = ApiFields(config.api_key)};
  if (config.duration > Duration::zero()) options.limit = config.duration;
  LoadGenerator generator(options, make_client, clock);
  RETURN_IF_ERROR(WarmUp(config, generator, observer));
  for (const Level& level : levels) {
    if (observer.stops()) break;
    report.levels.push_back(Summarize(generator.Run(level, observer)));
    if (report.levels.back().ok == 0) break;  // nor would the next one succeed
  }
  observer.EndLine();
  report.interrupted = observer.interrupted();
  return OkStatus();
}

// Signals end the process, as usual, until there is something measured to tell of.
Status MeasureRunning(const BenchConfig& config, const Clock& clock, BenchReport& report) {
  report.url = config.url.empty() ? kDefaultUrl : config.url;
  RETURN_IF_ERROR(Annotate(Prepare(config, report), report.url));
  ASSIGN_OR_RETURN(SignalSource signals, SignalSource::Create());
  BenchObserver observer(std::move(signals), config.quiet);
  return Annotate(Measure(config, clock, observer, report), report.url);
}

// On a cluster of its own, started and stopped around the measurement.
Status MeasureLocally(BenchConfig& config, const Clock& clock, BenchReport& report) {
  ASSIGN_OR_RETURN(SignalSource signals, SignalSource::Create());
  BenchObserver observer(std::move(signals), config.quiet);
  if (config.shape.vocabulary == 0) {
    ASSIGN_OR_RETURN(config.shape.vocabulary, VocabularyOf(config.cluster.model));
  }
  config.cluster.show_start = observer.draws();
  return UseLocalCluster(config.cluster, clock, [&](const std::string& url) {
    report.url = url;
    observer.EndLine();  // of the start-up
    Status measured = Prepare(config, report);
    if (measured.ok()) measured = Measure(config, clock, observer, report);
    if (observer.LostProcess()) {
      return Unavailable("a process of the cluster ended while it was measured");
    }
    return measured;
  });
}

Status Bench(BenchConfig& config, BenchReport& report) {
  // An unwritable file is told before the measurement, not after it; what it holds stays until
  // then.
  if (!config.json.empty() && !std::ofstream(config.json, std::ios::app)) {
    return Unavailable("cannot write " + config.json);
  }
  const SystemClock clock;
  RETURN_IF_ERROR(config.cluster.model.empty() ? MeasureRunning(config, clock, report)
                                               : MeasureLocally(config, clock, report));
  if (report.levels.empty()) return Cancelled("stopped before anything was measured");
  std::fputs(FormatTable(report.levels).c_str(), stdout);
  std::fflush(stdout);
  std::fputs(FormatTroubles(report.levels).c_str(), stderr);
  if (config.json.empty()) return OkStatus();
  std::ofstream file(config.json);
  file << ToJson(report) << std::flush;
  return file ? OkStatus() : Unavailable("cannot write " + config.json);
}

}  // namespace

int RunBench(int argc, const char* const* argv) {
  RaiseDescriptorLimit();
  BenchConfig config;
  ConfigParser parser("windrose bench", "Measures the speed of a cluster.\n\n" + DescribeColumns());
  AddFlags(parser, config);
  parser.AddCheck([&config] { return CheckConfig(config); });
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  HideFromChildren(parser.SharedVariables());  // some have other flags of the same name
  BenchReport report;
  const Status status = Bench(config, report);
  if (!status.ok()) {
    std::fprintf(stderr, "windrose bench: %s\n", Message(status).c_str());
    return status.code() == StatusCode::kCancelled ? kExitInterrupted : 1;
  }
  if (report.interrupted) return kExitInterrupted;
  return AnySucceeded(report.levels) ? 0 : 1;
}

}  // namespace windrose::cli
