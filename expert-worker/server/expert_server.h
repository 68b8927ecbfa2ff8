// ExpertServer: the gRPC face of a worker. Control.Join for status, raw frames for work.
//
// Owned by main. Serves from Start to its destruction; the state says what coordinators may expect.
// gRPC's threads check frames and hand them to the executor, whose replies come back through
// OnReply. A frame that does not decode ends its stream; nothing a peer sends ends the process.
// Bounds: links, queue (the executor's), unsent bytes of a link. Nothing of a call is kept after
// its reply.
//
// Frames: no RPC deadline, the stream lives as long as the coordinator wants; each call carries its
// own budget. Calls are idempotent: a repeated one is computed again. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/net/address.h"
#include "common/net/grpc_settings.h"
#include "expert-worker/exec/executor.h"
#include "expert-worker/server/frame_gate.h"

namespace windrose {

enum class WorkerState { kLoading, kReady, kDraining };

struct ExpertServerSettings {
  HostPort listen{"127.0.0.1", 0};  // checked by main: loopback, or explicitly insecure
  uint32_t max_rows = 4096;         // of one frame
  uint32_t max_links = 256;         // frame streams, and likewise status streams
  uint64_t max_unsent_bytes = 256ULL * 1024 * 1024;  // of one link; over it the link is cut
  Duration max_budget = Seconds(120);
  uint64_t incarnation = 0;  // differs in every process
  GrpcSettings grpc;
};

// Told what arrives and leaves, for metrics. Called on gRPC's and the executor's threads.
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  virtual void OnFrameReceived(size_t bytes) = 0;
  // One call was answered; OK when any segment is.
  virtual void OnReplySent(StatusCode code, size_t bytes) = 0;
  // A stream was ended because of what came on it.
  virtual void OnStreamRefused(StatusCode code) = 0;
  virtual void OnLinksChanged(size_t links) = 0;
};

// What the server works with; all outlive it. `observer` may be null.
struct ExpertServerParts {
  Executor& executor;
  const Clock& clock;
  Log& log;
  ServerObserver* observer = nullptr;
};

class ExpertServer final : public ReplyReceiver {
 public:
  // Listens, LOADING. UNAVAILABLE when the address cannot be had.
  static StatusOr<std::unique_ptr<ExpertServer>> Start(const ExpertServerSettings& settings,
                                                       HostedModel model,
                                                       const ExpertServerParts& parts);
  ~ExpertServer() override;  // Stop(0).

  uint16_t port() const;

  // Tells every coordinator.
  void SetState(WorkerState state);

  // Repeats the status to every coordinator; main calls it each second.
  void SendHeartbeats();

  // The executor's results. Thread-safe.
  void OnReply(ComputedReply reply) override;

  // Waits until coordinators have read every reply, at most `grace`, then ends all streams.
  void Stop(Duration grace);

 private:
  struct Impl;
  explicit ExpertServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace windrose
