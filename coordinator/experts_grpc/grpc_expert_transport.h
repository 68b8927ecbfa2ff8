// GrpcExpertTransport: carries frames to expert workers over gRPC, and keeps the links up.
//
// Owned by main, after the event loop, which it must not outlive. Engine thread only; gRPC's
// threads decode what arrives and post it to the loop. Each address is a slot for good: a WorkerId
// is never renumbered or given to another. A link that breaks is tried again at once, then with
// growing pauses. A worker is up when its status says READY and its frame stream is open; it is
// down when its frame stream ends or its status stream breaks, when nothing was heard for
// `silence_limit`, or when it says what does not fit our model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"
#include "common/net/backoff.h"
#include "common/net/grpc_settings.h"
#include "common/wire/frame.h"
#include "coordinator/experts/expert_transport.h"

namespace windrose {

struct GrpcExpertTransportConfig {
  std::string coordinator_id;      // for the workers' logs
  std::string model_hash;          // hex; workers of another model are refused
  wire::FrameLimits reply_limits;  // hidden size and hash are the model's
  BackoffPolicy reconnect;         // pauses after the first try
  Duration silence_limit = Seconds(3);
  uint64_t max_unsent_bytes = 256ULL * 1024 * 1024;  // of one worker; over it the link is reset
  GrpcSettings grpc;
};

class WorkerLink;
struct WorkerLinkEnvironment;

class GrpcExpertTransport final : public ExpertTransport {
 public:
  // All but the config outlive the transport. `pool` is the engine's own; it may be null.
  GrpcExpertTransport(const GrpcExpertTransportConfig& config, EventLoop& loop, Entropy& entropy,
                      Log& log, ThreadPool* pool = nullptr);
  // Ends all streams and waits for gRPC to let go of them.
  ~GrpcExpertTransport() override;

  // The workers' addresses, "host:port", from now on: new ones are connected, those that are gone
  // are closed but keep their slots. After SetListener. A source of addresses that lives on another
  // thread posts this to the loop.
  void SetAddresses(const std::vector<std::string>& addresses);

  void SetListener(ExpertTransportListener* listener) override;
  void Send(WorkerId worker, const wire::CallFrame& call) override;
  // On the pool's threads. One after the other a frame would be late by the encoding of those
  // before it, and by much more when the worker of the first is woken on this thread's processor.
  void SendAll(std::span<const OutgoingCall> calls) override;
  void Reset(WorkerId worker, const Status& why) override;

 private:
  std::unique_ptr<WorkerLinkEnvironment> environment_;
  ThreadPool* const pool_;
  std::vector<std::unique_ptr<WorkerLink>> links_;  // by WorkerId
};

}  // namespace windrose
