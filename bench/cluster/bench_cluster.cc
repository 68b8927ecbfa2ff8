// bench_cluster: tokens per second of a whole cluster on this machine, and where a step's time
// goes.
//
//   bench_cluster [--model DIR] [--tokens N] [--runs N] [-- arguments of `windrose up`]
//
// Starts a cluster, sends one prefill of 512 and prompts of token ids at concurrency 1, 8 and 32
// over the routers' gRPC service, and reads the coordinator's stage times before and after. Prints
// the same lines as bench_engine, medians of the runs, and below them the share of the time that
// dispatch and waiting for experts take. Ends with 1 when a request has no whole answer:
//   batch 8 tokens_per_second 56.7
//     share of a step:  attention 9.7 %  …
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/cluster/cluster_process.h"
#include "common/net/http_client.h"
#include "windrose/inference/v1/inference.grpc.pb.h"

namespace windrose::bench {
namespace {

namespace api = ::windrose::inference::v1;
using WallClock = std::chrono::steady_clock;

constexpr uint32_t kPromptTokens = 16;
constexpr uint32_t kPrefillTokens = 512;

struct Options {
  std::string model;
  uint32_t tokens = 64;
  uint32_t runs = 3;
  std::vector<std::string> cluster_arguments;
};

double SecondsSince(WallClock::time_point then) {
  return std::chrono::duration<double>(WallClock::now() - then).count();
}

// One request; false, and a word on stderr, when it has no whole answer.
bool Generate(api::InferenceService::Stub& stub, uint32_t prompt_tokens, uint32_t max_tokens,
              uint32_t salt) {
  api::GenerateRequest request;
  for (uint32_t index = 0; index < prompt_tokens; ++index) {
    request.mutable_tokens()->add_ids(3 + (salt * 7919 + index * 104729) % 1500);
  }
  request.mutable_sampling()->set_temperature(0);
  request.set_max_tokens(max_tokens);
  request.set_ignore_eos(true);
  grpc::ClientContext context;
  const auto stream = stub.Generate(&context, request);
  api::GenerateEvent event;
  uint32_t tokens = 0;
  while (stream->Read(&event)) tokens += event.has_token() ? 1 : 0;
  const grpc::Status status = stream->Finish();
  if (status.ok() && tokens == max_tokens) return true;
  std::fprintf(stderr, "bench_cluster: an answer of %u instead of %u tokens: %s\n", tokens,
               max_tokens, status.error_message().c_str());
  return false;
}

// Seconds that `concurrency` requests at once take together; nullopt when one of them failed.
std::optional<double> MeasureRequests(const std::string& target, uint32_t concurrency,
                                      uint32_t max_tokens) {
  const auto stub = api::InferenceService::NewStub(
      grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
  std::atomic<bool> failed = false;
  std::vector<std::thread> clients;
  const WallClock::time_point began = WallClock::now();
  for (uint32_t client = 0; client < concurrency; ++client) {
    clients.emplace_back([&, client] {
      if (!Generate(*stub, kPromptTokens, max_tokens, client)) failed = true;
    });
  }
  for (std::thread& client : clients) client.join();
  if (failed) return std::nullopt;
  return SecondsSince(began);
}

// Tokens per second of decoding; the difference leaves the prompts out.
std::optional<double> MeasureDecode(const std::string& target, uint32_t concurrency,
                                    uint32_t tokens) {
  const std::optional<double> shorter = MeasureRequests(target, concurrency, 1);
  const std::optional<double> longer = MeasureRequests(target, concurrency, 1 + tokens);
  if (!shorter || !longer) return std::nullopt;
  return concurrency * tokens / (*longer - *shorter);
}

std::optional<double> MeasurePrefill(const std::string& target, uint32_t prompt_tokens,
                                     uint32_t salt) {
  const auto stub = api::InferenceService::NewStub(
      grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
  const WallClock::time_point began = WallClock::now();
  if (!Generate(*stub, prompt_tokens, 1, salt)) return std::nullopt;
  return prompt_tokens / SecondsSince(began);
}

// Sum of seconds per stage, from the coordinator's metrics.
std::map<std::string, double> StageSeconds(uint16_t admin_port) {
  std::map<std::string, double> stages;
  HttpClientRequest request;
  request.target = "/metrics";
  const auto response = HttpClient::Make(HostPort{"127.0.0.1", admin_port})->Do(request);
  if (!response.ok()) return stages;
  const std::string prefix = "windrose_coordinator_stage_seconds_sum{stage=\"";
  std::istringstream lines(response->body);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(prefix, 0) != 0) continue;
    const size_t quote = line.find('"', prefix.size());
    const std::string stage = line.substr(prefix.size(), quote - prefix.size());
    stages[stage] = std::stod(line.substr(line.rfind(' ')));
  }
  return stages;
}

void PrintShares(const std::map<std::string, double>& before,
                 const std::map<std::string, double>& after) {
  double total = 0;
  for (const auto& [stage, seconds] : after) {
    total += seconds - (before.contains(stage) ? before.at(stage) : 0);
  }
  std::printf("  share of a step:");
  for (const auto& [stage, seconds] : after) {
    const double spent = seconds - (before.contains(stage) ? before.at(stage) : 0);
    std::printf("  %s %.1f %%", stage.c_str(), total > 0 ? 100 * spent / total : 0);
  }
  std::printf("\n");
}

// Prints the median of `runs` runs; false when one of them failed.
bool Report(const char* what, uint32_t size, uint32_t runs,
            const std::function<std::optional<double>(uint32_t run)>& measure) {
  std::vector<double> rates;
  for (uint32_t run = 0; run < runs; ++run) {
    const std::optional<double> rate = measure(run);
    if (!rate) return false;
    rates.push_back(*rate);
  }
  std::sort(rates.begin(), rates.end());
  std::printf("%s %u tokens_per_second %.2f\n", what, size, rates[rates.size() / 2]);
  std::fflush(stdout);
  return true;
}

int Run(const Options& options, const std::string& program_directory) {
  StatusOr<ClusterProcess> cluster =
      ClusterProcess::Start(program_directory, options.cluster_arguments);
  if (!cluster.ok()) {
    std::fprintf(stderr, "bench_cluster: %s\n", Message(cluster.status()).c_str());
    return 1;
  }
  const std::string& target = cluster->grpc_target();
  const auto prefill = [&](uint32_t run) {
    return MeasurePrefill(target, kPrefillTokens, 100 + run);
  };
  if (!MeasureDecode(target, 1, 8)) return 1;  // first touches
  if (!Report("prefill", kPrefillTokens, options.runs, prefill)) return 1;
  for (const uint32_t concurrency : {1U, 8U, 32U}) {
    const auto before = StageSeconds(cluster->coordinator_admin_port());
    const auto decode = [&](uint32_t) {
      return MeasureDecode(target, concurrency, options.tokens);
    };
    if (!Report("batch", concurrency, options.runs, decode)) return 1;
    PrintShares(before, StageSeconds(cluster->coordinator_admin_port()));
  }
  return 0;
}

}  // namespace
}  // namespace windrose::bench

int main(int argc, char** argv) {
  windrose::bench::Options options;
  bool for_cluster = false;
  for (int index = 1; index < argc; ++index) {
    const std::string word = argv[index];
    if (for_cluster) {
      options.cluster_arguments.push_back(word);
    } else if (word == "--") {
      for_cluster = true;
    } else if (word == "--model" && index + 1 < argc) {
      options.model = argv[++index];
    } else if (word == "--tokens" && index + 1 < argc) {
      options.tokens = static_cast<uint32_t>(std::stoul(argv[++index]));
    } else if (word == "--runs" && index + 1 < argc) {
      options.runs = std::max(1U, static_cast<uint32_t>(std::stoul(argv[++index])));
    } else {
      std::fprintf(stderr,
                   "usage: %s [--model DIR] [--tokens N] [--runs N] [-- windrose up arguments]\n",
                   argv[0]);
      return 2;
    }
  }
  if (!options.model.empty()) {
    options.cluster_arguments.insert(options.cluster_arguments.begin(), {"--model", options.model});
  }
  return windrose::bench::Run(options, std::filesystem::path(argv[0]).parent_path().string());
}
