// Round trips of one dispatch over loopback: coordinator's transport to a whole worker and back.
//
// Prints for each size: a raw socket (the floor), the worker with an expert that copies its rows,
// and the worker with a real feed-forward network, whose computation alone is measured beside it.
// The last column of times is the ratio to what the line is compared with. Of the whole worker also
// what a round trip takes from the heap, by both ends and gRPC together, and the bytes of its
// frames.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "bench/dispatch/allocation_counter.h"
#include "bench/dispatch/raw_socket.h"
#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/thread_event_loop.h"
#include "common/base/thread_pool.h"
#include "coordinator/experts_grpc/grpc_expert_transport.h"
#include "expert-worker/exec/executor.h"
#include "expert-worker/ffn/grouped_ffn.h"
#include "expert-worker/server/expert_server.h"

namespace windrose {
namespace {

constexpr uint32_t kHidden = 4096;  // so that a bf16 row is 8 KiB, as in Mixtral 8x7B
constexpr uint32_t kWidth = 512;
constexpr uint64_t kModel = 7;
constexpr const char* kModelHash = "bench";

class CopyingFunction final : public ExpertFunction {
 public:
  size_t hidden_size() const override { return kHidden; }
  size_t layer_count() const override { return 1; }
  bool Holds(ExpertId expert) const override { return expert == ExpertId(0); }
  void Run(const ExpertPass&, ExpertId, std::span<const float> input,
           std::span<float> output) override {
    std::copy(input.begin(), input.end(), output.begin());
  }
};

// One expert of random bf16 weights.
struct RandomExpert {
  RandomExpert() : bytes(size_t{3} * kHidden * kWidth * 2) {
    for (size_t index = 0; index < bytes.size(); index += 2) {
      bytes[index] = static_cast<std::byte>(BitsAt(1, index));
      bytes[index + 1] = std::byte{0x3C};  // Around 0.01.
    }
  }
  ExpertMatrices matrices() const {
    const size_t size = size_t{kHidden} * kWidth * 2;
    return {.w1 = {DType::kBf16, bytes.data(), kWidth, kHidden},
            .w2 = {DType::kBf16, bytes.data() + size, kHidden, kWidth},
            .w3 = {DType::kBf16, bytes.data() + 2 * size, kWidth, kHidden}};
  }
  std::vector<std::byte> bytes;
};

class Worker {
 public:
  explicit Worker(ExpertFunction& function)
      : computer_(function, 64, nullptr), executor_({}, computer_, clock_, nullptr) {
    HostedModel model = {.model_hash = kModelHash,
                         .model_hash_prefix = kModel,
                         .layer_count = 1,
                         .expert_count = 1,
                         .hidden = kHidden,
                         .experts = {ExpertId(0)}};
    auto server = ExpertServer::Start({}, std::move(model), {executor_, clock_, log_, nullptr});
    CHECK(server.ok());
    server_ = *std::move(server);
    executing_ = std::thread([this] { executor_.Run(*server_); });
    server_->SetState(WorkerState::kReady);
  }
  ~Worker() {
    executor_.Stop();
    executing_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

 private:
  SystemClock clock_;
  NullLog log_;
  BatchComputer computer_;
  Executor executor_;
  std::unique_ptr<ExpertServer> server_;
  std::thread executing_;
};

class Coordinator final : public ExpertTransportListener {
 public:
  explicit Coordinator(const std::string& address) : transport_(Config(), loop_, entropy_, log_) {
    transport_.SetListener(this);
    transport_.SetAddresses({address});
    CHECK(loop_.RunUntil([this] { return up_; }, loop_.Now() + Seconds(10)));
  }

  // Round trips of `rows` rows.
  std::vector<Duration> Measure(uint32_t rows, size_t count) {
    const std::vector<float> values(size_t{rows} * kHidden, 0.25F);
    std::vector<uint32_t> numbers(rows);
    std::iota(numbers.begin(), numbers.end(), 0U);
    std::vector<Duration> times;
    times.reserve(count);
    std::vector<std::byte> bytes;
    for (size_t round = 0; round < count; ++round) {
      if (round == count / 10) allocations_at_start_ = AllocationsSoFar();  // warm
      const TimePoint begin = loop_.Now();
      bytes.clear();
      wire::AppendRows(values, kHidden, numbers, wire::RowType::kBf16, bytes);
      transport_.Send(WorkerId(0), Frame(bytes, numbers));
      answered_ = false;
      CHECK(loop_.RunUntil([this] { return answered_; }, loop_.Now() + Seconds(10)));
      times.push_back(loop_.Now() - begin);
    }
    CountHeap(count - count / 10);
    call_bytes_ = wire::Encode(Frame(bytes, numbers)).size();
    return times;
  }

  // Of the last measurement.
  void ReportFrames() const {
    std::printf("%-24s %.1f allocations of %.1f KiB together; frames of %zu and %zu bytes\n",
                "  each round trip", allocations_, allocated_bytes_ / 1024, call_bytes_,
                reply_bytes_);
    std::fflush(stdout);
  }

  void OnWorkerUp(WorkerId, const WorkerDescription&) override { up_ = true; }
  void OnWorkerDown(WorkerId, const Status&) override { CHECK(!up_); }
  void OnWorkerGone(WorkerId) override {}
  void OnWorkerDraining(WorkerId) override {}
  void OnReply(WorkerId, const wire::ReplyFrame& reply) override {
    CHECK(reply.segments[0].status == StatusCode::kOk);
    if (reply_bytes_ == 0) reply_bytes_ = wire::Encode(reply).size();
    answered_ = true;
  }
  void OnBadReply(WorkerId, const Status&) override { CHECK(false); }

 private:
  void CountHeap(size_t round_trips) {
    const Allocations now = AllocationsSoFar();
    const auto trips = static_cast<double>(round_trips);
    allocations_ = static_cast<double>(now.count - allocations_at_start_.count) / trips;
    allocated_bytes_ = static_cast<double>(now.bytes - allocations_at_start_.bytes) / trips;
  }

  static GrpcExpertTransportConfig Config() {
    GrpcExpertTransportConfig config;
    config.model_hash = kModelHash;
    config.reply_limits.hidden = kHidden;
    config.reply_limits.model_hash = kModel;
    config.silence_limit = Seconds(600);
    return config;
  }

  static wire::CallFrame Frame(std::span<const std::byte> bytes,
                               const std::vector<uint32_t>& numbers) {
    wire::CallFrame call;
    call.header.type = wire::RowType::kBf16;
    call.header.model_hash = kModel;
    call.header.hidden = kHidden;
    call.budget = Seconds(10);
    call.row_count = static_cast<uint32_t>(numbers.size());
    call.segments = {{.expert = ExpertId(0), .first = 0, .count = call.row_count}};
    call.row_index = numbers;
    call.rows = bytes;
    return call;
  }

  SystemClock clock_;
  SystemEntropy entropy_;
  NullLog log_;
  ThreadEventLoop loop_{clock_};
  bool up_ = false;
  bool answered_ = false;
  Allocations allocations_at_start_;
  double allocations_ = 0;      // of one round trip
  double allocated_bytes_ = 0;  // likewise
  size_t call_bytes_ = 0;
  size_t reply_bytes_ = 0;
  GrpcExpertTransport transport_;
};

double MedianMicroseconds(std::vector<Duration> times) {
  std::sort(times.begin(), times.end());
  return ToSeconds(times[times.size() / 2]) * 1e6;
}

// Prints one line, and returns the median in microseconds. The first tenth warms up.
double Report(const std::string& what, uint32_t rows, std::vector<Duration> times, double base) {
  times.erase(times.begin(), times.begin() + static_cast<ptrdiff_t>(times.size() / 10));
  const double median = MedianMicroseconds(times);
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return ToSeconds(times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))]) *
           1e6;
  };
  std::printf("%-24s %4u KiB  p50 %8.1f  p90 %8.1f  p99 %8.1f  max %9.1f us  x%.2f\n", what.c_str(),
              rows * 8, at(0.5), at(0.9), at(0.99), at(1.0), base > 0 ? median / base : 1.0);
  std::fflush(stdout);
  return median;
}

std::vector<Duration> MeasureAlone(ExpertFunction& function, uint32_t rows, size_t count) {
  const SystemClock clock;
  const std::vector<float> input(size_t{rows} * kHidden, 0.25F);
  std::vector<float> output(input.size());
  std::vector<Duration> times;
  for (size_t round = 0; round < count; ++round) {
    const TimePoint begin = clock.Now();
    function.Run({LayerIndex(0)}, ExpertId(0), input, output);
    times.push_back(clock.Now() - begin);
  }
  return times;
}

void Run() {
  const SystemClock clock;
  CopyingFunction copying;
  const RandomExpert weights;
  ThreadPool pool(1);
  MixtralConfig config;
  config.hidden = kHidden;
  config.expert_width = kWidth;
  config.layers = 1;
  config.experts = 1;
  GroupedFfn ffn(config,
                 ExpertWeights({{{LayerIndex(0), ExpertId(0)}, weights.matrices()}}, nullptr), 64,
                 pool);
  for (const uint32_t rows : {1U, 8U}) {
    const size_t bytes = size_t{rows} * kHidden * 2;
    const double floor = Report("raw socket", rows, MeasureRawSocket(bytes, 3000, clock), 0);
    {
      Worker worker(copying);
      Coordinator coordinator(worker.address());
      Report("worker, copying expert", rows, coordinator.Measure(rows, 3000), floor);
      coordinator.ReportFrames();
    }
    const double alone = Report("network alone", rows, MeasureAlone(ffn, rows, 300), 0);
    Worker worker(ffn);
    Coordinator coordinator(worker.address());
    Report("worker, real network", rows, coordinator.Measure(rows, 300), alone);
  }
}

}  // namespace
}  // namespace windrose

int main() {
  windrose::Run();
  return 0;
}
