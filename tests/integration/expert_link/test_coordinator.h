// The coordinator's end of the link: a real event loop, the gRPC transport, and a listener that
// records.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/thread_event_loop.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"
#include "coordinator/experts_grpc/grpc_expert_transport.h"
#include "tests/integration/expert_link/running_worker.h"

namespace windrose {

struct RecordedReply {
  WorkerId worker;
  wire::FrameHeader header;
  std::vector<wire::Segment> segments;
  std::vector<float> values;  // [rows, hidden]
};

class TestCoordinator final : public ExpertTransportListener {
 public:
  // The configuration that fits TinyModel.
  static GrpcExpertTransportConfig Config();

  explicit TestCoordinator(const GrpcExpertTransportConfig& config = Config());
  ~TestCoordinator() override = default;

  GrpcExpertTransport& transport() { return *transport_; }
  EventLoop& loop() { return loop_; }
  void SetAddresses(const std::vector<std::string>& addresses) {
    transport_->SetAddresses(addresses);
  }

  // Runs the loop until `done`; false after `patience`.
  bool Await(const std::function<bool()>& done, Duration patience = Seconds(10));
  bool AwaitUp(WorkerId worker = WorkerId(0), Duration patience = Seconds(10));
  bool AwaitDown(WorkerId worker = WorkerId(0), Duration patience = Seconds(10));
  bool AwaitReplies(size_t count, Duration patience = Seconds(10));

  // Sends `rows` [rows, hidden] for one expert.
  void Call(uint64_t id, LayerIndex layer, ExpertId expert, const std::vector<float>& rows,
            wire::RowType type = wire::RowType::kF32);
  // The same for any worker, ready to be sent.
  static OutgoingCall MakeCall(WorkerId worker, uint64_t id, LayerIndex layer, ExpertId expert,
                               const std::vector<float>& rows);

  void OnWorkerUp(WorkerId worker, const WorkerDescription& description) override;
  void OnWorkerDown(WorkerId worker, const Status& why) override;
  void OnWorkerGone(WorkerId worker) override { gone.push_back(worker); }
  void OnWorkerDraining(WorkerId worker) override;
  void OnReply(WorkerId worker, const wire::ReplyFrame& reply) override;
  void OnBadReply(WorkerId worker, const Status& why) override;

  std::map<WorkerId, WorkerDescription> up;
  std::vector<WorkerId> ups;
  std::vector<std::pair<WorkerId, Status>> downs;
  std::vector<WorkerId> gone;
  std::vector<WorkerId> draining;
  std::vector<RecordedReply> replies;
  std::vector<Status> bad_replies;
  std::function<void()> on_reply;  // may be null

 private:
  SystemClock clock_;
  SystemEntropy entropy_;
  NullLog log_;
  ThreadEventLoop loop_{clock_};
  ThreadPool pool_{3};
  std::unique_ptr<GrpcExpertTransport> transport_;
};

// Rows of small numbers, the same for the same seed; [rows, hidden].
std::vector<float> TestRows(uint64_t seed, size_t rows);

// What the tiny model's expert makes of `rows`, computed here.
std::vector<float> DirectOutputs(LayerIndex layer, ExpertId expert, const std::vector<float>& rows);

}  // namespace windrose
