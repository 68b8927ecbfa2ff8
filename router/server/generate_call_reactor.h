// GenerateCallReactor: one public Generate call, from admission to its status. Used by
// grpc_front.cc only. Its state belongs to the loop; gRPC's callbacks only post. It is deleted on
// the loop. A client that takes no event for `write_timeout` is cut off.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <optional>

#include "router/proxy/admission.h"
#include "router/proxy/generation.h"
#include "router/proxy/inference_proxy.h"
#include "router/server/open_calls.h"
#include "router/upstream/inference_proto.h"

namespace windrose::router {

// How long the client is willing to wait, at most `longest`.
Duration TimeLeft(const grpc::CallbackServerContext& context, Duration longest);

class GenerateCallReactor final : public grpc::ServerWriteReactor<proto::GenerateEvent>,
                                  private GenerationListener {
 public:
  struct Parts {
    EventLoop& loop;
    InferenceProxy& proxy;
    Entropy& entropy;
    const RouterProbe& probe;
    OpenCalls& calls;
    Duration write_timeout{};
  };

  // `request` is read before the constructor returns; `context` lives until OnDone.
  GenerateCallReactor(const Parts& parts, grpc::CallbackServerContext& context,
                      const proto::GenerateRequest& request);
  ~GenerateCallReactor() override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void OnStarted(StartedEvent event) override;
  void OnToken(TokenEvent event) override;
  void OnFinished(FinishedEvent event) override;
  void OnFailed(const Status& status) override;

  void Begin(StatusOr<GenerateCall> call);
  void Run(GenerateCall call);
  void Queue(const GenerateEvent& event);
  void WriteNext();
  void WatchWrite(Duration delay);
  void CheckWrite();
  void End(const Status& status);

  const Parts parts_;
  std::optional<OpenCalls::Place> place_;  // until gRPC has sent the end
  grpc::CallbackServerContext& context_;
  const TimePoint arrived_;
  const TimePoint deadline_;
  // Loop thread only.
  uint64_t admission_id_ = 0;
  std::unique_ptr<Admission::Ticket> ticket_;
  std::unique_ptr<Generation> generation_;
  std::deque<proto::GenerateEvent> queue_;  // the front one is being written when `writing_`
  std::optional<Status> result_;            // sent once the queue is empty
  bool writing_ = false;
  TimePoint write_began_;
  uint64_t write_timer_ = 0;  // may outlast the write that it was set for; 0: none
  bool paused_ = false;
  bool finished_ = false;  // Finish was called
};

}  // namespace windrose::router
