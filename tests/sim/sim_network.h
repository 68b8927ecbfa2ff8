// SimNetwork: the links between one coordinator and its expert workers, and the workers themselves,
// in virtual time. Implements the transport seam with the real frames, queue and FFN of a worker;
// only sockets and threads are replaced. Thread-compatible.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/model/checkpoint.h"
#include "coordinator/experts/expert_transport.h"
#include "expert-worker/exec/batch_computer.h"
#include "expert-worker/exec/work_queue.h"
#include "expert-worker/ffn/grouped_ffn.h"
#include "tests/support/manual_event_loop.h"

namespace windrose {

// How the network misbehaves all the time. Probabilities are per frame.
struct NetworkFaults {
  Duration latency = Microseconds(50);
  Duration jitter{};  // added, uniform
  double delay = 0;   // a frame takes delay_by longer
  Duration delay_by = Milliseconds(200);
  bool reorder = false;  // a frame may overtake the one before it
  double duplicate = 0;  // a reply comes twice
  double corrupt = 0;    // one bit of a call or a reply flips
  double refuse = 0;     // the worker says RESOURCE_EXHAUSTED
  double lose = 0;       // a reply never comes (a worker that forgets)
  double spoil = 0;      // the first worker's reply has a row that is no number
  // Rows [hidden] whose outputs are infinite, whoever computes them; null: none.
  std::function<bool(std::span<const std::byte>)> overflows;
  uint32_t max_rows = 4096;  // a worker takes in one frame
};

// What a network did so far.
struct InjectedFaults {
  uint64_t delayed = 0;
  uint64_t overtook = 0;
  uint64_t duplicated = 0;
  uint64_t corrupted = 0;
  uint64_t refused = 0;
  uint64_t lost = 0;
  uint64_t spoiled = 0;
};

class SimNetwork final : public ExpertTransport {
 public:
  SimNetwork(ManualEventLoop& loop, const Checkpoint& checkpoint, uint64_t seed,
             const NetworkFaults& faults);
  ~SimNetwork() override;

  // Adds a worker, connected from the start.
  WorkerId AddWorker(std::vector<ExpertId> experts, size_t threads);
  size_t worker_count() const { return workers_.size(); }

  // kill -9 and a new process with the same arguments; SIGSTOP and SIGCONT; SIGTERM.
  void Kill(WorkerId worker);
  void Restart(WorkerId worker);
  void Freeze(WorkerId worker);
  void Thaw(WorkerId worker);
  void Drain(WorkerId worker);

  bool alive(WorkerId worker) const;
  uint32_t most_rows_waiting() const { return most_rows_waiting_; }
  const InjectedFaults& injected() const { return injected_; }

  // ExpertTransport.
  void SetListener(ExpertTransportListener* listener) override;
  void Send(WorkerId worker, const wire::CallFrame& call) override;
  void Reset(WorkerId worker, const Status& why) override;

 private:
  struct Worker;

  void Connect(Worker& worker, Duration after);
  void Disconnect(Worker& worker, const Status& why);
  void Arrive(Worker& worker, const std::vector<std::byte>& frame);
  void Compute(Worker& worker);
  // Makes of the replies to `calls` what the faults want.
  void Spoil(WorkerId worker, std::span<const AcceptedCall> calls,
             std::span<ComputedReply> replies);
  void Answer(Worker& worker, const std::vector<ComputedReply>& replies);
  void SendReply(Worker& worker, std::vector<std::byte> frame);
  void Deliver(Worker& worker, const std::vector<std::byte>& frame);
  void Corrupt(std::vector<std::byte>& frame);
  wire::FrameLimits Limits() const;
  Duration FrameDelay(TimePoint& last_arrival);
  double Chance();
  // Draws whether a fault happens, and counts it.
  bool Happens(double probability, uint64_t& count);

  ManualEventLoop& loop_;
  const Checkpoint& checkpoint_;
  const NetworkFaults faults_;
  const uint64_t seed_;
  uint64_t draws_ = 0;
  uint32_t most_rows_waiting_ = 0;
  InjectedFaults injected_;
  ExpertTransportListener* listener_ = nullptr;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace windrose
