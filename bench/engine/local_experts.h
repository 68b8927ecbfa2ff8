// LocalExperts: one worker with all experts, behind the transport seam, in the engine's own thread.
//
// What remains of dispatch are the frames, encoded and decoded as always; no socket, no other
// process. Engine thread only.
#pragma once

#include "common/base/event_loop.h"
#include "common/base/thread_pool.h"
#include "common/model/checkpoint.h"
#include "coordinator/experts/expert_transport.h"
#include "expert-worker/exec/batch_computer.h"
#include "expert-worker/ffn/grouped_ffn.h"

namespace windrose::bench {

class LocalExperts final : public ExpertTransport {
 public:
  // All references must outlive this.
  LocalExperts(const Checkpoint& checkpoint, ExpertWeights weights, ThreadPool& pool,
               EventLoop& loop);

  void SetListener(ExpertTransportListener* listener) override;
  void Send(WorkerId worker, const wire::CallFrame& call) override;
  void Reset(WorkerId worker, const Status& why) override;

 private:
  const wire::FrameLimits limits_;
  const uint32_t expert_count_;
  EventLoop& loop_;
  GroupedFfn ffn_;
  BatchComputer computer_;
  ExpertTransportListener* listener_ = nullptr;
};

}  // namespace windrose::bench
