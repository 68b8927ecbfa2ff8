// A dispatcher among workers that do, by chance, all that workers may do: whatever it is, a layer
// ends well once they have come to their senses. A failing seed is printed.
#include <cstdlib>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "coordinator/experts/dispatcher.h"
#include "gtest/gtest.h"
#include "tests/support/manual_event_loop.h"

namespace windrose {
namespace {

constexpr uint32_t kHidden = 4;
constexpr uint32_t kExperts = 5;
constexpr uint32_t kWorkers = 4;
constexpr uint32_t kRows = 12;
constexpr size_t kTopK = 2;
constexpr Duration kMadness = Seconds(4);  // how long workers misbehave in each layer

// The outputs of expert e are the row's values and 10 * (e + 1): what is mixed up shows.
float OutputOf(float value, ExpertId expert) {
  return value + 10 * static_cast<float>(expert.value() + 1);
}

class MadWorkers final : public ExpertTransport {
 public:
  MadWorkers(ManualEventLoop& loop, uint64_t seed) : loop_(loop), seed_(seed) {}

  void SetListener(ExpertTransportListener* listener) override { listener_ = listener; }
  void Send(WorkerId worker, const wire::CallFrame& call) override;
  void Reset(WorkerId worker, const Status& why) override {
    loop_.Post([this, worker, why] { Down(worker, why); });
  }

  uint64_t Below(uint64_t limit) { return BitsAt(seed_, draws_++) % limit; }

  // They misbehave for a while, then all hold all experts and answer.
  void GoMad() {
    sane_at_ = loop_.Now() + kMadness;
    spoiled_ = false;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      if (Below(2) == 0) Up(WorkerId(worker));
    }
    loop_.After(kMadness, [this] {
      for (uint32_t worker = 0; worker < kWorkers; ++worker) Up(WorkerId(worker));
    });
  }

 private:
  struct Held {
    wire::CallFrame call;
    std::vector<std::byte> rows;
  };
  struct Worker {
    bool up = false;
    uint64_t link = 0;
    std::vector<ExpertId> experts;
  };

  bool sane() const { return loop_.Now() >= sane_at_; }
  Duration Soon(int64_t most_ms) {
    return Microseconds(static_cast<int64_t>(Below(static_cast<uint64_t>(most_ms) * 1000)));
  }
  void Up(WorkerId id);
  void Down(WorkerId id, const Status& why);
  void Answer(WorkerId id, const Held& held);
  wire::Segment AnswerSegment(const wire::Segment& asked, const Held& held,
                              std::vector<std::byte>& bytes);
  void Misfortune(WorkerId id);

  ManualEventLoop& loop_;
  const uint64_t seed_;
  uint64_t draws_ = 0;
  ExpertTransportListener* listener_ = nullptr;
  std::map<WorkerId, Worker> workers_;
  TimePoint sane_at_{};
  bool spoiled_ = false;  // once in a layer: what a second call says is believed
};

void MadWorkers::Up(WorkerId id) {
  Worker& worker = workers_[id];
  WorkerDescription description{.address = "w", .incarnation = worker.link};
  for (uint32_t expert = 0; expert < kExperts; ++expert) {
    if (sane() || Below(2) == 0) description.experts.emplace_back(expert);
  }
  description.max_rows = static_cast<uint32_t>(sane() ? 4096 : 1 + Below(8));
  worker.up = true;
  worker.experts = description.experts;
  listener_->OnWorkerUp(id, description);
}

void MadWorkers::Down(WorkerId id, const Status& why) {
  Worker& worker = workers_[id];
  if (!std::exchange(worker.up, false)) return;
  ++worker.link;
  listener_->OnWorkerDown(id, why);
  loop_.After(Soon(sane() ? 20 : 500), [this, id] {
    if (!workers_[id].up) Up(id);
  });
}

void MadWorkers::Send(WorkerId id, const wire::CallFrame& call) {
  Held held{call, {call.rows.begin(), call.rows.end()}};
  const uint64_t copies = sane() ? 1 : Below(8) == 0 ? 0 : 1 + Below(4) / 3;
  for (uint64_t copy = 0; copy < copies; ++copy) {
    const Duration delay = sane() || Below(3) > 0 ? Soon(20) : Soon(1000);
    loop_.After(delay, [this, id, held, link = workers_[id].link] {
      if (workers_[id].up && workers_[id].link == link) Answer(id, held);
    });
  }
  if (!sane() && Below(4) == 0) loop_.After(Soon(200), [this, id] { Misfortune(id); });
}

void MadWorkers::Misfortune(WorkerId id) {
  if (sane() || !workers_[id].up) return;
  switch (Below(3)) {
    case 0:
      return Down(id, Unavailable("killed"));
    case 1:
      listener_->OnWorkerDraining(id);
      loop_.After(Soon(300), [this, id] { Down(id, Unavailable("drained")); });
      return;
    default:
      listener_->OnBadReply(id, DataLoss("damaged"));
  }
}

wire::Segment MadWorkers::AnswerSegment(const wire::Segment& asked, const Held& held,
                                        std::vector<std::byte>& bytes) {
  constexpr StatusCode kRefusals[] = {StatusCode::kResourceExhausted, StatusCode::kUnavailable,
                                      StatusCode::kDeadlineExceeded};
  wire::Segment answered{.expert = asked.expert};
  if (!sane() && Below(6) == 0) {
    answered.status = kRefusals[Below(3)];
    return answered;
  }
  answered.count = asked.count;
  for (uint32_t index = 0; index < asked.count; ++index) {
    std::vector<float> row(kHidden);
    wire::ReadRow(held.rows, wire::RowType::kF32, held.call.row_index[asked.first + index], row);
    for (float& value : row) value = OutputOf(value, asked.expert);
    if (!sane() && !spoiled_ && Below(20) == 0) {
      spoiled_ = true;
      row.back() = std::numeric_limits<float>::infinity();
    }
    const uint32_t zero = 0;
    wire::AppendRows(row, kHidden, std::span(&zero, 1), wire::RowType::kF32, bytes);
  }
  return answered;
}

void MadWorkers::Answer(WorkerId id, const Held& held) {
  wire::ReplyFrame reply{.header = held.call.header};
  std::vector<std::byte> bytes;
  for (const wire::Segment& asked : held.call.segments) {
    wire::Segment answered = AnswerSegment(asked, held, bytes);
    answered.first = reply.row_count;
    reply.row_count += answered.count;
    reply.segments.push_back(answered);
  }
  reply.rows = bytes;
  reply.queued_rows = static_cast<uint32_t>(Below(10000));
  if (!sane() && Below(50) == 0) reply.header.layer = LayerIndex(99);
  listener_->OnReply(id, reply);
}

// A few layers in a row, so that answers come too late for their own.
void RunSeed(uint64_t seed) {
  ManualEventLoop loop;
  NullLog log;
  MadWorkers workers(loop, seed);
  DispatchLimits limits;
  limits.deadlines.initial = Milliseconds(50);
  limits.deadlines.floor = Milliseconds(10);
  limits.expert_wait = Seconds(30);
  const DispatchShape shape{.expert_count = kExperts, .hidden = kHidden, .model_hash = 1};
  Dispatcher dispatcher(shape, limits, loop, workers, log);
  for (uint32_t layer = 0; layer < 3; ++layer) {
    workers.GoMad();
    GateOutput gate;
    gate.top_k = kTopK;
    std::vector<float> rows(kRows * kHidden);
    for (float& value : rows) value = static_cast<float>(workers.Below(1000));
    for (uint32_t row = 0; row < kRows; ++row) {
      const auto first = static_cast<uint32_t>(workers.Below(kExperts));
      gate.experts.emplace_back(first);
      gate.experts.emplace_back((first + 1 + workers.Below(kExperts - 1)) % kExperts);
    }
    gate.weights.assign(kRows * kTopK, 0.5F);
    ExpertOutputs outputs;
    const Status status =
        dispatcher.Exchange(LayerIndex(layer), dispatcher.Plan(gate), rows, outputs);
    ASSERT_EQ(ToString(status), "OK");
    for (size_t pair = 0; pair < gate.experts.size(); ++pair) {
      const float value = rows[pair / kTopK * kHidden + kHidden - 1];
      ASSERT_EQ(outputs.row(pair)[kHidden - 1], OutputOf(value, gate.experts[pair]));
    }
  }
}

uint64_t SeedCount() {
  const char* count = std::getenv("WINDROSE_SIM_SEEDS");
  return count == nullptr ? 300 : std::strtoull(count, nullptr, 10);
}

TEST(DispatcherFaults, ALayerEndsWellWhateverWorkersDo) {
  for (uint64_t seed = 1; seed <= SeedCount(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RunSeed(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace windrose
