#include "tests/sim/sim_network.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/base/thread_pool.h"

namespace windrose {
namespace {

constexpr Duration kReconnect = Milliseconds(20);
constexpr size_t kTileRows = 64;
constexpr CallerId kCaller{1};

}  // namespace

struct SimNetwork::Worker {
  Worker(WorkerId id_in, std::vector<ExpertId> experts_in, size_t threads,
         const Checkpoint& checkpoint)
      : id(id_in),
        experts(std::move(experts_in)),
        pool(threads),
        ffn(checkpoint.config(), checkpoint.Experts(experts).value(), kTileRows, pool),
        computer(ffn, kTileRows, nullptr),
        queue(WorkQueueLimits{}) {}

  const WorkerId id;
  const std::vector<ExpertId> experts;
  ThreadPool pool;
  GroupedFfn ffn;
  BatchComputer computer;
  WorkQueue queue;
  bool alive = true;
  bool frozen = false;
  bool draining = false;
  bool connected = false;
  bool computing = false;
  uint64_t process = 1;  // rises with each restart: what an earlier process began never ends
  uint64_t link = 1;     // rises with each disconnect: frames of an earlier link never arrive
  TimePoint last_call;   // for links that keep their order
  TimePoint last_reply;
  std::vector<Task> held;  // what happened while frozen
};

SimNetwork::SimNetwork(ManualEventLoop& loop, const Checkpoint& checkpoint, uint64_t seed,
                       const NetworkFaults& faults)
    : loop_(loop), checkpoint_(checkpoint), faults_(faults), seed_(seed) {}

SimNetwork::~SimNetwork() = default;

WorkerId SimNetwork::AddWorker(std::vector<ExpertId> experts, size_t threads) {
  const WorkerId id(static_cast<uint32_t>(workers_.size()));
  workers_.push_back(std::make_unique<Worker>(id, std::move(experts), threads, checkpoint_));
  Connect(*workers_.back(), Duration{});
  return id;
}

bool SimNetwork::alive(WorkerId worker) const { return workers_[worker.value()]->alive; }

void SimNetwork::SetListener(ExpertTransportListener* listener) { listener_ = listener; }

void SimNetwork::Kill(WorkerId id) {
  Worker& worker = *workers_[id.value()];
  loop_.Trace(1000 + id.value());
  worker.alive = false;
  worker.frozen = false;
  worker.computing = false;
  worker.held.clear();
  worker.queue.Drop(kCaller);
  ++worker.process;
  loop_.After(Milliseconds(1), [this, &worker] { Disconnect(worker, Unavailable("killed")); });
}

void SimNetwork::Restart(WorkerId id) {
  Worker& worker = *workers_[id.value()];
  loop_.Trace(2000 + id.value());
  worker.alive = true;
  worker.draining = false;
  Connect(worker, kReconnect);
}

void SimNetwork::Freeze(WorkerId id) { workers_[id.value()]->frozen = true; }

void SimNetwork::Thaw(WorkerId id) {
  Worker& worker = *workers_[id.value()];
  worker.frozen = false;
  for (Task& task : std::exchange(worker.held, {})) loop_.Post(std::move(task));
}

void SimNetwork::Drain(WorkerId id) {
  Worker& worker = *workers_[id.value()];
  worker.draining = true;
  loop_.Post([this, &worker] {
    if (worker.connected && listener_ != nullptr) listener_->OnWorkerDraining(worker.id);
  });
}

void SimNetwork::Connect(Worker& worker, Duration after) {
  const uint64_t process = worker.process;
  loop_.After(after, [this, &worker, process] {
    if (!worker.alive || worker.connected || worker.process != process || !listener_) return;
    worker.connected = true;
    loop_.Trace(3000 + worker.id.value());
    listener_->OnWorkerUp(worker.id, {.address = "worker-" + std::to_string(worker.id.value()),
                                      .incarnation = worker.process,
                                      .experts = worker.experts,
                                      .max_rows = faults_.max_rows});
  });
}

void SimNetwork::Disconnect(Worker& worker, const Status& why) {
  ++worker.link;
  if (std::exchange(worker.connected, false) && listener_) listener_->OnWorkerDown(worker.id, why);
  if (worker.alive) Connect(worker, kReconnect);
}

void SimNetwork::Reset(WorkerId id, const Status& why) {
  Worker& worker = *workers_[id.value()];
  loop_.Post([this, &worker, why] { Disconnect(worker, why); });
}

double SimNetwork::Chance() { return UniformAt(seed_, ++draws_, 7); }

bool SimNetwork::Happens(double probability, uint64_t& count) {
  const bool happens = Chance() < probability;
  if (happens) ++count;
  return happens;
}

Duration SimNetwork::FrameDelay(TimePoint& last_arrival) {
  Duration delay =
      faults_.latency +
      Duration(static_cast<int64_t>(Chance() * static_cast<double>(faults_.jitter.count())));
  if (Happens(faults_.delay, injected_.delayed)) delay += faults_.delay_by;
  const Duration behind_last = last_arrival - loop_.Now();
  if (faults_.reorder && delay < behind_last) ++injected_.overtook;
  if (!faults_.reorder) delay = std::max(delay, behind_last);
  last_arrival = loop_.Now() + delay;
  return delay;
}

void SimNetwork::Send(WorkerId id, const wire::CallFrame& call) {
  Worker& worker = *workers_[id.value()];
  loop_.Trace(4000 + id.value() + (call.header.dispatch_id.value() << 16));
  std::vector<std::byte> frame = wire::Encode(call);
  Corrupt(frame);
  loop_.After(FrameDelay(worker.last_call),
              [this, &worker, link = worker.link, frame = std::move(frame)] {
                if (worker.link == link && worker.alive) Arrive(worker, frame);
              });
}

void SimNetwork::Corrupt(std::vector<std::byte>& frame) {
  if (!Happens(faults_.corrupt, injected_.corrupted)) return;
  const auto place = static_cast<size_t>(Chance() * static_cast<double>(frame.size()));
  frame[place] ^= std::byte{0x10};
}

wire::FrameLimits SimNetwork::Limits() const {
  return {.hidden = checkpoint_.config().hidden, .model_hash = checkpoint_.model_hash_prefix()};
}

void SimNetwork::Arrive(Worker& worker, const std::vector<std::byte>& frame) {
  if (worker.frozen) {
    worker.held.push_back([this, &worker, frame, process = worker.process] {
      if (worker.process == process) Arrive(worker, frame);
    });
    return;
  }
  const auto bytes = std::make_shared<const std::vector<std::byte>>(frame);
  StatusOr<wire::CallFrame> decoded = wire::DecodeCall(*bytes, Limits());
  if (!decoded.ok()) return Disconnect(worker, decoded.status());
  AcceptedCall call{.caller = kCaller,
                    .frame = *std::move(decoded),
                    .bytes = bytes,
                    .arrived = loop_.Now(),
                    .deadline = TimePoint::max()};
  call.deadline = loop_.Now() + call.frame.budget;
  if (Happens(faults_.refuse, injected_.refused)) {
    return SendReply(worker, wire::Encode(FailedReply(call, StatusCode::kResourceExhausted).frame));
  }
  CHECK(worker.queue.Push(std::move(call)).ok());
  most_rows_waiting_ = std::max(most_rows_waiting_, worker.queue.waiting_rows());
  Compute(worker);
}

void SimNetwork::Compute(Worker& worker) {
  if (worker.computing) return;
  WorkBatch batch = worker.queue.Pop(loop_.Now());
  if (batch.empty()) return;
  worker.computing = true;
  std::vector<ComputedReply> replies;
  if (!batch.calls.empty()) replies = worker.computer.Compute(batch.calls);
  Spoil(worker.id, batch.calls, replies);
  for (const AcceptedCall& call : batch.expired) {
    replies.push_back(FailedReply(call, StatusCode::kDeadlineExceeded));
  }
  const Duration service = Microseconds(100 + static_cast<int64_t>(Chance() * 400));
  auto answers = std::make_shared<std::vector<ComputedReply>>(std::move(replies));
  loop_.After(service, [this, &worker, process = worker.process, answers] {
    if (worker.process == process) Answer(worker, *answers);
  });
}

void SimNetwork::Spoil(WorkerId worker, std::span<const AcceptedCall> calls,
                       std::span<ComputedReply> replies) {
  for (size_t index = 0; index < calls.size(); ++index) {
    const wire::CallFrame& call = calls[index].frame;
    const size_t row_bytes = wire::RowBytes(call.header.type, call.header.hidden);
    const auto set_row = [&](size_t output, float value) {
      const std::vector<float> row(call.header.hidden, value);
      wire::WriteRow(row, call.header.type, output, replies[index].rows);
    };
    // All experts are held, so that outputs stand as the row index does.
    for (size_t output = 0; faults_.overflows && output < call.row_index.size(); ++output) {
      const auto row = call.rows.subspan(call.row_index[output] * row_bytes, row_bytes);
      if (faults_.overflows(row)) set_row(output, std::numeric_limits<float>::infinity());
    }
    if (worker != WorkerId(0) || !Happens(faults_.spoil, injected_.spoiled)) continue;
    const double place = Chance() * static_cast<double>(call.row_index.size());
    set_row(static_cast<size_t>(place), std::numeric_limits<float>::quiet_NaN());
  }
}

void SimNetwork::Answer(Worker& worker, const std::vector<ComputedReply>& replies) {
  if (worker.frozen) {
    auto held = std::make_shared<std::vector<ComputedReply>>();
    for (const ComputedReply& reply : replies) held->push_back(reply);
    for (ComputedReply& reply : *held) reply.frame.rows = reply.rows;
    worker.held.push_back([this, &worker, held, process = worker.process] {
      if (worker.process == process) Answer(worker, *held);
    });
    return;
  }
  worker.computing = false;
  for (const ComputedReply& reply : replies) SendReply(worker, wire::Encode(reply.frame));
  Compute(worker);
}

void SimNetwork::SendReply(Worker& worker, std::vector<std::byte> frame) {
  if (Happens(faults_.lose, injected_.lost)) return;
  Corrupt(frame);
  const int copies = Happens(faults_.duplicate, injected_.duplicated) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    loop_.After(FrameDelay(worker.last_reply), [this, &worker, link = worker.link, frame] {
      if (worker.link == link && worker.connected) Deliver(worker, frame);
    });
  }
}

void SimNetwork::Deliver(Worker& worker, const std::vector<std::byte>& frame) {
  if (!listener_) return;
  const StatusOr<wire::ReplyFrame> reply = wire::DecodeReply(frame, Limits());
  loop_.Trace(5000 + worker.id.value());
  if (reply.ok()) return listener_->OnReply(worker.id, *reply);
  listener_->OnBadReply(worker.id, reply.status());
}

}  // namespace windrose
